"""A configuration may come from a pipe: it is read once, and that is said once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import Daemon, wait_for
from tests.e2e.scraping import peek
from tests.e2e.worlds import quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze


@pytest.fixture
def braze(tmp_path: Path) -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world("production")) as braze:
        write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url)])
        yield braze


@pytest.mark.parametrize(
    "script",
    ['cat config.yaml | exec "$@" --config.file /dev/stdin', '"$@" --config.file <(cat config.yaml)'],
    ids=["stdin", "process substitution"],
)
def test_a_configuration_may_come_from_a_pipe(braze: SimulatedBraze, tmp_path: Path, script: str) -> None:
    flags = ("--config.auto-reload-interval", "100ms")
    with Daemon(tmp_path, *flags, wrapper=("bash", "-c", script, "bash")) as daemon:
        wait_for("polled", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        (ours,) = find_command(daemon.pid)
        os.kill(ours, 1)
        wait_for("it says why", lambda: "can be read only once" in daemon.stderr)
        assert daemon.stderr.count("it came from a pipe") == 1
        assert peek(daemon.port, "braze_cdi_up") == [1]
        os.kill(ours, 15)
        assert daemon._running.wait(30) == 0


def find_command(pid: int) -> list[int]:
    """Return which of *pid* and the processes below it runs the command and no shell."""
    below = [pid, *(int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return [each for each in below if not Path(f"/proc/{each}/comm").read_text().startswith(("bash", "cat"))]
