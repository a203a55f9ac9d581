"""Few descriptors and many silent visitors stop neither polls nor scrapes, and everything comes back afterwards."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import STOP_SECONDS, Daemon, wait_for
from tests.e2e.scraping import ask, peek
from tests.e2e.worlds import finish_sync, quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze

VISITORS = 150


@pytest.fixture
def braze(tmp_path: Path) -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world("production")) as braze:
        write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url)])
        yield braze


def limited(limits: str) -> tuple[str, ...]:
    return ("sh", "-c", f'{limits}; exec "$@"', "sh")


def open_descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_the_soft_limit_is_raised_to_the_hard_one(braze: SimulatedBraze, tmp_path: Path) -> None:
    with Daemon(tmp_path, wrapper=limited("ulimit -Sn 40; ulimit -Hn 500")) as daemon:
        wait_for("polled", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        assert peek(daemon.port, "process_max_fds") == [500]


@pytest.mark.parametrize("descriptors", [24, 40, 64, 200])
def test_silent_visitors_give_their_place(braze: SimulatedBraze, tmp_path: Path, descriptors: int) -> None:
    with Daemon(tmp_path, wrapper=limited(f"ulimit -n {descriptors}")) as daemon:
        wait_for("polled", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        before = open_descriptors(daemon.pid)
        with contextlib.ExitStack() as visitors:
            for _ in range(VISITORS):
                visitors.enter_context(socket.create_connection(("127.0.0.1", daemon.port)))
            assert ask(daemon.port, "/metrics").status == 200
            braze.call(lambda world: finish_sync(world, "id-of-production", word="success", rows_synced=7))
            wait_for("it polls on", lambda: peek(daemon.port, "braze_cdi_rows_synced_total") == [7])
            assert peek(daemon.port, "braze_cdi_exporter_state_write_failures_total") == [0]
        wait_for("descriptors come back", lambda: open_descriptors(daemon.pid) <= before + 1)
        assert daemon.stderr.count("\n") < 30
        code, seconds = daemon.stop()
        assert (code, seconds < STOP_SECONDS) == (0, True)
