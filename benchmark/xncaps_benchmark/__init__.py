"""Measure TFLite models on this machine, a board or a phone."""
