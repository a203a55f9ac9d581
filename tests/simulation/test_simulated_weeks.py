"""
The real poller, ledger, store, rate limiter and page against the simulated Braze, for two hundred simulated weeks.

Faults, drift, restarts, kills between any two steps and steps of the clock are drawn from each seed; `drive.py` says
what is checked at every scrape, `verdict.py` what in the end.
"""

import pytest

from tests.simulation.drive import simulate
from tests.simulation.storage import state_file

SEEDS = 200
_AT_A_TIME = 5


@pytest.mark.parametrize("first", range(0, SEEDS, _AT_A_TIME))
def test_after_a_simulated_week_the_counters_equal_what_happened(first: int) -> None:
    for seed in range(first, first + _AT_A_TIME):
        with state_file() as open_disk:
            simulate(seed, open_disk)


def test_a_seed_comes_to_the_same_every_time() -> None:
    outcomes = []
    for _ in range(2):
        with state_file() as open_disk:
            outcomes.append(simulate(3, open_disk, duration_seconds=86400.0))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].syncs > 0
