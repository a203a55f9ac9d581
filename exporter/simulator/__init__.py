"""A Braze that behaves like the documented one, for the demo, the tests and the benchmarks."""
