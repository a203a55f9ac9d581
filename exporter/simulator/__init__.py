"""A Braze that behaves as its documents say, with problems by name: for the demo, tests and benchmarks."""
