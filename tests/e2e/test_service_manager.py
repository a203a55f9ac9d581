"""The daemon as a service of systemd: told apart when it is ready, reloads, lives and stops; its socket handed over."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import COMMAND, PATIENCE_SECONDS, Daemon, environment, run_command
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


HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="braze-cdi-exporter.socket")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""What systemd does between fork and exec."""


def test_it_serves_on_a_socket_that_is_passed_and_connections_outlive_a_restart(tmp_path: Path) -> None:
    with SimulatedBraze(quiet_world("production")) as braze, socket.create_server(("127.0.0.1", 0)) as listening:
        write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url)])
        port = listening.getsockname()[1]
        for _ in range(2):
            # Nobody serves yet: the connection waits with the socket.
            with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as waiting:
                waiting.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
                command = [sys.executable, "-c", HAND_OVER, str(listening.fileno()), *COMMAND, "--web.systemd-socket"]
                with subprocess.Popen(
                    command,
                    cwd=tmp_path,
                    env=environment(tmp_path),
                    pass_fds=[listening.fileno()],
                    stderr=subprocess.PIPE,
                    text=True,
                ) as daemon:
                    try:
                        assert waiting.recv(4096).startswith(b"HTTP/1.1 200 ")
                        assert ask(port, "/metrics").status == 200
                    finally:
                        daemon.terminate()
                        _, log = daemon.communicate(timeout=PATIENCE_SECONDS)
                    assert daemon.returncode == 0
                    assert f"msg=listening address=127.0.0.1:{port}" in log


def test_without_a_socket_it_says_what_to_do(tmp_path: Path) -> None:
    write_config(tmp_path, [{"name": "w", "rest_endpoint": "http://127.0.0.1:1", "api_key": "k"}])
    done = run_command(tmp_path, "--web.systemd-socket", env={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    assert done.returncode == 1
    remedy = "enable the .socket unit or leave out --web.systemd-socket"
    assert done.stderr == f"systemd has passed no socket; {remedy}\n"
