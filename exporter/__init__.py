"""Prometheus exporter for Braze Cloud Data Ingestion."""
