"""
The real poller, ledger, store, rate limiter and page against the simulated Braze, for sixty simulated weeks.

`make soak` simulates any number.

Faults, drift, restarts, kills between any two steps and steps of the clock are drawn from each seed; `drive.py` says
what is checked at every scrape, `verdict.py` what in the end.
"""

from pathlib import Path
from typing import Never

import pytest

from tests.kept import read_only
from tests.simulation import storage
from tests.simulation.__main__ import main
from tests.simulation.drive import simulate
from tests.simulation.storage import state_file

SEEDS = 60
_AT_A_TIME = 3


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


def test_a_week_needs_no_folder_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MEMORY", str(tmp_path))
    with read_only(tmp_path), state_file() as open_disk:
        assert simulate(3, open_disk, duration_seconds=3600.0).syncs > 0


def test_weeks_run_side_by_side_without_semaphores(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The system keeps semaphores in /dev/shm as well."""

    def refuse(*_: object, **__: object) -> Never:
        raise PermissionError

    monkeypatch.setattr("_multiprocessing.SemLock", refuse)
    monkeypatch.setattr("sys.argv", ["simulation", "--seeds", "2", "--processes", "2"])
    assert main() == 0
    assert "2 simulated weeks, 0 failed" in capsys.readouterr().out
