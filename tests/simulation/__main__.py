"""`python -m tests.simulation --first 0 --seeds 1000 --processes 2`: as many simulated weeks as one asks for."""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.drive import Outcome, SimulationError, simulate
from tests.simulation.storage import state_file


def _run(seed: int) -> Outcome | str:
    """Return what a seed came to, or what went wrong."""
    with state_file() as open_disk:
        try:
            return simulate(seed, open_disk)
        except SimulationError as error:
            return str(error)


def main() -> int:
    """Run the seeds asked for, and print each failure with the command that repeats it."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--processes", type=int, default=2, help="at a time")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    failures = syncs = gaps = 0
    with ProcessPoolExecutor(arguments.processes) as pool:
        for seed, result in zip(seeds, pool.map(_run, seeds), strict=True):
            if isinstance(result, str):
                failures += 1
                _say(result)
            else:
                syncs, gaps = syncs + result.syncs, gaps + result.gaps
                if len(seeds) == 1:
                    _say(f"seed {seed}: {result}")
    _say(f"{len(seeds)} simulated weeks, {failures} failed; counted {syncs} syncs, and {gaps} gaps in hidden history")
    return failures > 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - for the person at the terminal


if __name__ == "__main__":
    sys.exit(main())
