"""Braze REST API: what to send and what an answer means (wire), and the sending (client)."""
