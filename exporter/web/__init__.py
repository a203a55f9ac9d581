"""The exporter's HTTP server."""
