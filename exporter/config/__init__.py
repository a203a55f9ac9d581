"""The configuration file: its schema, and loading it or reporting all its errors at once."""
