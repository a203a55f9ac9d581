"""SIGTERM and SIGINT end the daemon within five seconds with exit code 0, whatever it is in the middle of."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import STOP_SECONDS, Daemon, wait_for
from tests.e2e.scraping import QUICK_SECONDS, ask, peek
from tests.e2e.worlds import quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze

SIGNALS = (signal.SIGTERM, signal.SIGINT)
LONG_TEXT = "x" * 500
MANY = 500
"""Integrations, so that the page has twice the bytes that the buffers of two sockets hold."""
FEW_BYTES = 4096


@pytest.fixture
def braze() -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world("production")) as braze:
        yield braze


@pytest.fixture
def daemon(braze: SimulatedBraze, tmp_path: Path) -> Daemon:
    write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url)], timeout="20s")
    return Daemon(tmp_path)


def see_it_end_well(daemon: Daemon, number: signal.Signals) -> None:
    code, seconds = daemon.stop(number)
    assert (code, seconds < STOP_SECONDS) == (0, True), f"{code} after {seconds:.1f} s"
    assert "Traceback" not in daemon.stderr
    assert "msg=stopped" in daemon.stderr.splitlines()[-1]


@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_when_idle(daemon: Daemon, number: signal.Signals) -> None:
    with daemon:
        wait_for("polled", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        see_it_end_well(daemon, number)


@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_in_the_middle_of_a_request_to_a_hanging_braze(
    braze: SimulatedBraze, daemon: Daemon, number: signal.Signals
) -> None:
    braze.call(lambda world: world.faults.add("hang"))
    with daemon:
        wait_for("asked", lambda: braze.call(lambda world: sum(world.requests["production"].values()) >= 2))
        see_it_end_well(daemon, number)


@contextlib.contextmanager
def slow_clients(braze: SimulatedBraze, directory: Path, daemon: Daemon) -> Iterator[None]:
    """Run the daemon with a client that does not read on, one that asks half a question, and a silent one."""
    entry = workspace_entry(braze.world, "production", braze.url)
    labels = {f"label_{each}": LONG_TEXT for each in range(40)}
    entry["integrations"] = [{"id": f"integration-{each}", "labels": labels} for each in range(MANY)]
    write_config(directory, [entry], timeout="20s", interval="1h", stale_after="3h")
    with daemon, socket.socket() as reads_little, socket.socket() as asks_little, socket.socket() as asks_nothing:
        reads_little.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, FEW_BYTES)
        for client in (reads_little, asks_little, asks_nothing):
            client.connect(("127.0.0.1", daemon.port))
        reads_little.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert reads_little.recv(FEW_BYTES).startswith(b"HTTP/1.1 200 OK")
        asks_little.sendall(b"GET /metrics HTTP/1.1\r\nHo")
        assert ask(daemon.port, "/-/healthy").status == 200
        yield


def test_it_ends_while_clients_are_slow(braze: SimulatedBraze, daemon: Daemon, tmp_path: Path) -> None:
    with slow_clients(braze, tmp_path, daemon):
        see_it_end_well(daemon, signal.SIGTERM)


def test_a_second_signal_ends_it_at_once(braze: SimulatedBraze, daemon: Daemon, tmp_path: Path) -> None:
    with slow_clients(braze, tmp_path, daemon):
        os.kill(daemon.pid, signal.SIGTERM)
        # It takes no new connections any more, and still waits for the client that reads little.
        wait_for("it has begun to end", lambda: not listens(daemon.port))
        code, seconds = daemon.stop(signal.SIGTERM)
        assert (code, seconds < QUICK_SECONDS) == (-signal.SIGTERM, True)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
