"""Clients that ask for a large answer and never read it: memory stays bounded, and one that reads gets its answer."""

import contextlib
import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.e2e.command import Daemon, wait_for
from tests.e2e.worlds import quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze

CLIENTS = 120
INTEGRATIONS = 2000
PATIENCE_SECONDS = 30
AT_A_TIME = 8
"""Answers that are under way at once (docs/http.md); the others wait for a place."""
ROOM = 100 * 2**20
"""For making one such answer, and what Python keeps."""


@pytest.fixture
def braze(tmp_path: Path) -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world("production")) as braze:
        listed = [{"id": "id-of-production", "name": "users"}]
        # Long names, so that a page of a hundred is more than the system takes in a client's place.
        listed += [
            {"id": f"{number:04d}-{'i' * 90}", "name": f"integration {number} {'n' * 90}"}
            for number in range(INTEGRATIONS)
        ]
        entry = workspace_entry(braze.world, "production", braze.url, integrations=listed)
        write_config(tmp_path, [entry], history="0", interval="1m")
        yield braze


def resident_bytes(daemon: Daemon) -> int:
    return 1024 * int(Path(f"/proc/{daemon.pid}/status").read_text().split("VmRSS:")[1].split()[0])


def read_all(port: int, path: str) -> int:
    """Return how many bytes a patient client gets."""
    until = monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)) as client:
            client.request("GET", path)
            answer = client.getresponse()
            body = answer.read()
        if answer.status == 200:
            return len(body)
        assert answer.status == 503, body
        assert monotonic() < until, body


@pytest.mark.parametrize("path", ["/api/v1/status", "/?healthy=shown", "/metrics"])
def test_clients_that_never_read_cost_little_and_keep_nobody_out(
    braze: SimulatedBraze, tmp_path: Path, path: str
) -> None:
    with Daemon(tmp_path) as daemon:
        wait_for("it listens", lambda: daemon.port)
        size = read_all(daemon.port, path)
        before, most = resident_bytes(daemon), 0
        with contextlib.ExitStack() as clients:
            for _ in range(CLIENTS):
                client = clients.enter_context(socket.socket())
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect(("127.0.0.1", daemon.port))
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                most = max(most, resident_bytes(daemon))
            assert read_all(daemon.port, "/-/healthy") > 0
            assert read_all(daemon.port, path) > size / 2
            most = max(most, resident_bytes(daemon))
        assert size > 2**17
        assert most - before < AT_A_TIME * size + ROOM, f"{size:,} bytes; {before:,} resident before, {most:,} at most"
