"""`python -m tests.simulation --first 0 --seeds 1000 --processes 2`: as many simulated weeks as one asks for."""

import argparse
import sys

from tests.simulation.side_by_side import run_side_by_side


def main() -> int:
    """Run the seeds asked for, and print each failure with the command that repeats it."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--processes", type=int, default=2, help="at a time")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    failures = syncs = gaps = 0
    ended = 0
    for seed, result in run_side_by_side(seeds, arguments.processes):
        ended += 1
        if isinstance(result, str):
            failures += 1
            _say(result)
        else:
            syncs, gaps = syncs + result.syncs, gaps + result.gaps
            if len(seeds) == 1:
                _say(f"seed {seed}: {result}")
    failures += len(seeds) - ended  # a process that crashed has said why
    _say(f"{len(seeds)} simulated weeks, {failures} failed; counted {syncs} syncs, and {gaps} gaps in hidden history")
    return failures > 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - for the person at the terminal


if __name__ == "__main__":
    sys.exit(main())
