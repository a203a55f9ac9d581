"""A Braze that behaves as its documents say, and misbehaves by name: for the demo, tests and benchmarks."""
