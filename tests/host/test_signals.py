"""From the first line of Python on SIGTERM ends the daemon with 0 in time, SIGHUP never kills it; as process 1 too."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter import __main__ as entry
from exporter.cli import main
from tests.components import leave_out
from tests.e2e.command import PATIENCE_SECONDS, STOP_SECONDS, Daemon, wait_for
from tests.e2e.scraping import ask, peek
from tests.e2e.worlds import quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze

STEP_SECONDS = 0.02
START_SECONDS = 0.8
"""On a quick machine the daemon serves after it; on a slow one this is the first part of the start."""
AT_ONCE = 4
SLOW_RESOLVER = """
import socket, time
real = socket.getaddrinfo
def slow(host, *more, **options):
    if "braze" in str(host):
        open("asked", "w").close()
        time.sleep(60)
    return real(host, *more, **options)
socket.getaddrinfo = slow
"""
INTERRUPTED_IMPORT = """
import os, signal, sys
from exporter import __main__ as entry
class Interrupting:
    def find_spec(self, name, *_):
        if name == "exporter.cli":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv[1:] = ["check", "--schema"]
entry.main()
"""
PROCESS_1 = ("unshare", "--user", "--map-current-user", "--pid", "--fork", "--kill-child")


@pytest.fixture
def braze(tmp_path: Path) -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world("production")) as braze:
        write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url)])
        yield braze


def catches(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    (mask,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")]
    return bool(int(mask, 16) & 1 << (number - 1))


def wait_for_python(pid: int) -> None:
    """Wait, finely, for the first line of ours."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not catches(pid, signal.SIGHUP):
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_signals_are_handled_before_anything_slow_is_imported(braze: SimulatedBraze, tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        wait_for_python(daemon.pid)
        maps = Path(f"/proc/{daemon.pid}/maps").read_text()
        assert "pydantic_core" not in maps
        assert "_ssl" not in maps
        wait_for("it is up", lambda: "pydantic_core" in Path(f"/proc/{daemon.pid}/maps").read_text())


def test_commands_that_end_are_known() -> None:
    assert set(main.commands) - {"demo"} == entry.COMMANDS_THAT_END


@pytest.mark.parametrize(
    ("inherited", "code", "said"),
    [(signal.default_int_handler, 1, b"\nAborted!\n"), (signal.SIG_IGN, 0, b"")],
    ids=["in the foreground", "in the background of a script"],
)
def test_a_command_that_is_interrupted_while_it_starts_ends_without_a_traceback(
    inherited: Any, code: int, said: bytes
) -> None:
    before = signal.signal(signal.SIGINT, inherited)
    try:
        done = subprocess.run([sys.executable, "-c", INTERRUPTED_IMPORT], capture_output=True, check=False)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.returncode, done.stderr) == (code, said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_at_every_moment_of_the_start_it_ends_with_0_in_time(
    braze: SimulatedBraze, tmp_path: Path, number: signal.Signals
) -> None:
    # Without state on disk: several start at once.
    moments = [each * STEP_SECONDS for each in range(round(START_SECONDS / STEP_SECONDS))]
    wrong = {}
    for begin in range(0, len(moments), AT_ONCE):
        with contextlib.ExitStack() as stack:
            started = {}
            for moment in moments[begin : begin + AT_ONCE]:
                directory = tmp_path / f"{moment:.2f}"
                directory.mkdir()
                daemon = Daemon(directory, "--storage.path", "", "--config.file", str(tmp_path / "config.yaml"))
                started[moment] = stack.enter_context(daemon)
                wait_for_python(daemon.pid)
                time.sleep(moment)
                os.kill(daemon.pid, number)
            for moment, daemon in started.items():
                try:
                    code = daemon._running.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    code = None
                if code != 0 or "Traceback" in daemon.stderr:
                    wrong[moment] = code, daemon.stderr
    assert wrong == {}


def test_a_hangup_at_any_moment_of_the_start_does_not_end_it(braze: SimulatedBraze, tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        wait_for_python(daemon.pid)
        while "msg=started" not in daemon.stderr:
            assert daemon._running.poll() is None
            os.kill(daemon.pid, signal.SIGHUP)
            time.sleep(STEP_SECONDS)
        wait_for("polled", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        assert daemon.stop()[0] == 0


def test_it_ends_while_its_configuration_does_not_come(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.yaml")
    with Daemon(tmp_path) as daemon:
        wait_for("it imports", lambda: "pydantic_core" in Path(f"/proc/{daemon.pid}/maps").read_text())
        code, seconds = daemon.stop()
        assert (code, seconds < STOP_SECONDS) == (0, True)


@pytest.fixture
def namespaces() -> None:
    if subprocess.run([*PROCESS_1, "true"], check=False, capture_output=True).returncode:
        leave_out("this user may not make a namespace of processes")


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.3, None])
def test_as_process_1_it_ends_with_0_in_time(
    braze: SimulatedBraze, tmp_path: Path, namespaces: None, seconds: float | None
) -> None:
    """After so many *seconds*, or once it serves; where a signal that nobody handles is lost."""
    with Daemon(tmp_path, wrapper=PROCESS_1) as daemon:
        children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children")
        inner = int(wait_for("process 1 runs", lambda: children.read_text().strip()))
        wait_for("it is ours", lambda: b"braze-cdi" in Path(f"/proc/{inner}/cmdline").read_bytes())
        wait_for_python(inner)
        os.kill(inner, signal.SIGHUP)
        if seconds is None:
            assert ask(daemon.port, "/-/healthy").status == 200
        else:
            time.sleep(seconds)
        os.kill(inner, signal.SIGTERM)
        assert daemon._running.wait(STOP_SECONDS) == 0


def test_it_ends_in_time_while_a_name_is_being_resolved(tmp_path: Path) -> None:
    """A resolver that does not answer holds a thread that nothing can cancel."""
    host = "https://rest.iad-03.braze.com"
    write_config(tmp_path, [{"name": "w", "rest_endpoint": host, "api_key": "k", "integrations": [{"id": "a"}]}])
    (tmp_path / "sitecustomize.py").write_text(SLOW_RESOLVER)
    with Daemon(tmp_path, env={"PYTHONPATH": str(tmp_path)}) as daemon:
        wait_for("it resolves", (tmp_path / "asked").exists)
        assert ask(daemon.port, "/-/healthy").status == 200
        code, seconds = daemon.stop()
        assert (code, seconds < STOP_SECONDS) == (0, True)
