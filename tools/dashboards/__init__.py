"""Reads the generated dashboards back, for the tests and for `make screenshots`."""
