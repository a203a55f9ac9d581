"""Reads the generated dashboards back, for the tests and for `tools/draw-dashboards`."""
