"""Two minutes of faults of Braze, host, disk, clock and visitors at once; `make soak` goes on for longer."""

from pathlib import Path

from tests.host.chaos import run_chaos

SEED = 3
SECONDS = 120


def test_after_two_minutes_of_chaos_the_page_is_the_truth(tmp_path: Path) -> None:
    done = run_chaos(tmp_path, SEED, SECONDS)
    assert done.total() > SECONDS / 4
    assert len(done) > 8
