"""The metrics page and the instruments about the exporter itself."""
