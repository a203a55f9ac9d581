"""The configuration file: its schema, loading it, and every mistake in it at once."""
