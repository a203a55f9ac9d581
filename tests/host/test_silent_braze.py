"""Many workspaces whose Braze takes connections and says nothing delay neither the healthy one nor a scrape."""

import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.e2e.command import STOP_SECONDS, Daemon, wait_for
from tests.e2e.scraping import ask, sample, scrape
from tests.e2e.worlds import finish_sync, quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze

SILENT = 110
INTEGRATIONS = 12
"""Of each silent workspace."""
SCRAPE_SECONDS = 1.0
COUNTED_SECONDS = 5.0
"""The healthy workspace is polled every second."""
FIRST_SECONDS = 15.0
"""From listening to the first poll of the healthy workspace: all begin at once."""
ROUNDS = 3


@pytest.fixture
def silence() -> Iterator[str]:
    """Yield the address of a Braze whose connections are taken by the system, and by nobody else."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(4096)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def silent_workspace(number: int, url: str) -> dict[str, Any]:
    listed = [{"id": f"silent-{number}-{each}"} for each in range(INTEGRATIONS)]
    return {"name": f"silent {number}", "rest_endpoint": url, "api_key": "key", "integrations": listed}


def rows(port: int) -> float | None:
    labels = {"workspace": "production", "integration_id": "id-of-production", "integration_name": "users"}
    return scrape(port).get(sample("braze_cdi_rows_synced_total", **labels))


@pytest.mark.parametrize(("descriptors", "timeout"), [(4096, "20s"), (1024, "20s"), (64, "4s")])
def test_silent_workspaces_delay_nobody(tmp_path: Path, silence: str, descriptors: int, timeout: str) -> None:
    """With fewer descriptors than workspaces, no longer than until silent ones have been tried in turn."""
    silent = [silent_workspace(number, silence) for number in range(SILENT)]
    with SimulatedBraze(quiet_world("production")) as braze:
        healthy = workspace_entry(braze.world, "production", braze.url)
        write_config(tmp_path, [*silent, healthy], timeout=timeout)
        with Daemon(tmp_path, wrapper=("sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh")) as daemon:
            port = daemon.port
            wait_for("the healthy one is polled", lambda: rows(port) == 0, FIRST_SECONDS)
            for number in range(1, ROUNDS + 1):
                braze.call(lambda world: finish_sync(world, "id-of-production", word="success", rows_synced=1))
                wait_for("it counts", lambda number=number: rows(port) == number, COUNTED_SECONDS)  # type: ignore[misc]
                began = monotonic()
                assert ask(port, "/metrics").status == 200
                assert ask(port, "/").status == 200
                assert monotonic() - began < SCRAPE_SECONDS
                sleep(2)
            code, seconds = daemon.stop()
            assert (code, seconds < STOP_SECONDS) == (0, True)
