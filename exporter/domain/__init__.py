"""The exporter's knowledge of Braze's syncs, as pure values and functions: no I/O, no clock, no logging."""
