"""Ledgers, kept: in memory, or on disk."""
