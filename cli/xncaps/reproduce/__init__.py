"""Experiments by name: a config each, a line of JSON each result, tables from the lines alone."""
