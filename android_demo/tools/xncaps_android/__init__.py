"""Builds the Android app and the delegate's AAR with a JDK, Debian's tools and Maven Central.

Nothing but Python's standard library: who builds the app needs no TensorFlow.
"""
