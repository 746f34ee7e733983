"""Converters from Keras to TFLite files."""
