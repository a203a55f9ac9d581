"""The daemon as a service of systemd: told apart when it is ready, reloads, lives and stops."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import PATIENCE_SECONDS, Daemon
from tests.e2e.scraping import ask
from tests.e2e.worlds import quiet_world, workspace_entry, write_config
from tests.service_manager import service_manager
from tests.simulated import SimulatedBraze


def heard(manager: socket.socket, other_than: str = "") -> str:
    """The next message, apart from those that only say that it still lives."""
    while (message := manager.recv(4096).decode()) == other_than:
        pass
    return message


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with service_manager(tmp_path, PATIENCE_SECONDS) as listening:
        yield listening


def test_ready_means_that_pages_can_be_read_and_each_change_is_told(manager: socket.socket, tmp_path: Path) -> None:
    service = {"NOTIFY_SOCKET": str(manager.getsockname()), "WATCHDOG_USEC": "400000"}
    with SimulatedBraze(quiet_world("production")) as braze:
        write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url)])
        with Daemon(tmp_path, env=service) as daemon:
            assert heard(manager) == "READY=1"
            assert ask(daemon.port, "/-/healthy").status == 200
            assert heard(manager) == "WATCHDOG=1"
            os.kill(daemon.pid, signal.SIGHUP)
            assert heard(manager, "WATCHDOG=1").startswith("RELOADING=1\nMONOTONIC_USEC=")
            assert heard(manager, "WATCHDOG=1") == "READY=1"
            assert daemon.stop()[0] == 0
            assert heard(manager, "WATCHDOG=1") == "STOPPING=1"
