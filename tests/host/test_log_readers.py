"""Whatever becomes of standard error, the daemon polls, answers, and ends well; lost lines are counted."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import STOP_SECONDS, Daemon, run_command, wait_for
from tests.e2e.scraping import ask, peek
from tests.e2e.worlds import finish_sync, quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze

DROPPED = "braze_cdi_exporter_log_lines_dropped_total"
CLOSE_STDERR = ("sh", "-c", 'exec "$@" 2>&-', "sh")


@pytest.fixture
def braze(tmp_path: Path) -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world("production")) as braze:
        write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url)])
        yield braze


@pytest.fixture
def address() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


@contextlib.contextmanager
def stuck_pipe() -> Iterator[int]:
    """Yield the end of a pipe that is full and never read."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    try:
        yield writing
    finally:
        os.close(writing)
        os.close(reading)


def see_it_work(braze: SimulatedBraze, daemon: Daemon, port: int) -> None:
    """It counts syncs, fails to poll and recovers, all of which it would log, and ends with 0 in time."""

    def counted() -> bool:
        with contextlib.suppress(OSError):
            return peek(port, "braze_cdi_rows_synced_total") == [100.0]
        return False

    def up(value: float) -> bool:
        with contextlib.suppress(OSError):
            return peek(port, "braze_cdi_up") == [value]
        return False

    wait_for("polled", lambda: up(1))
    braze.call(lambda world: finish_sync(world, "id-of-production", word="success", rows_synced=100))
    wait_for("counted", counted)
    fault = braze.call(lambda world: world.faults.add("http_500"))
    wait_for("it fails", lambda: up(0))
    braze.call(lambda world: world.faults.remove(fault))
    wait_for("it recovers", lambda: up(1))
    assert ask(port, "/-/healthy").status == 200


def see_it_end(daemon: Daemon) -> None:
    code, seconds = daemon.stop()
    assert (code, seconds < STOP_SECONDS) == (0, True), f"{code} after {seconds:.1f} s"


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_a_closed_stderr_harms_nothing_and_no_file_takes_its_place(
    braze: SimulatedBraze, tmp_path: Path, address: str
) -> None:
    with Daemon(tmp_path, address=address, wrapper=CLOSE_STDERR) as daemon:
        see_it_work(braze, daemon, port_of(address))
        assert Path(f"/proc/{daemon.pid}/fd/2").readlink() == Path("/dev/null")
        assert peek(port_of(address), DROPPED)[0] >= 4
        see_it_end(daemon)


def test_a_full_disk_harms_nothing(braze: SimulatedBraze, tmp_path: Path, address: str) -> None:
    with Path("/dev/full").open("wb") as full, Daemon(tmp_path, address=address, stderr=full.fileno()) as daemon:
        see_it_work(braze, daemon, port_of(address))
        wait_for("lines are counted", lambda: peek(port_of(address), DROPPED)[0] >= 4)
        see_it_end(daemon)


def test_a_reader_that_never_reads_harms_nothing(braze: SimulatedBraze, tmp_path: Path, address: str) -> None:
    with stuck_pipe() as stderr, Daemon(tmp_path, address=address, stderr=stderr) as daemon:
        see_it_work(braze, daemon, port_of(address))
        see_it_end(daemon)


def test_a_reader_that_is_killed_harms_nothing(braze: SimulatedBraze, tmp_path: Path, address: str) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as reader:
        assert reader.stdin is not None
        with Daemon(tmp_path, address=address, stderr=reader.stdin.fileno()) as daemon:
            wait_for("polled", lambda: ready(port_of(address)))
            reader.stdin.close()
            reader.kill()
            see_it_work(braze, daemon, port_of(address))
            wait_for("lines are counted", lambda: peek(port_of(address), DROPPED)[0] >= 2)
            see_it_end(daemon)


def ready(port: int) -> bool:
    with contextlib.suppress(OSError):
        return ask(port, "/-/ready").status == 200
    return False


@pytest.mark.parametrize("redirect", ["2>/dev/full", "2>&-"])
def test_a_refused_configuration_is_exit_code_2_even_where_nobody_is_told(tmp_path: Path, redirect: str) -> None:
    (tmp_path / "config.yaml").write_text("workspaces: 1\n")
    with Daemon(tmp_path, wrapper=("sh", "-c", f'exec "$@" {redirect}', "sh")) as daemon:
        assert daemon._running.wait(30) == 2


def test_a_terminal_that_goes_away_harms_nothing(braze: SimulatedBraze, tmp_path: Path, address: str) -> None:
    master, slave = os.openpty()
    with Daemon(tmp_path, address=address, stderr=slave) as daemon:
        os.close(slave)
        wait_for("polled", lambda: ready(port_of(address)))
        os.close(master)
        os.kill(daemon.pid, signal.SIGHUP)
        see_it_work(braze, daemon, port_of(address))
        see_it_end(daemon)


FOREIGN = """
import asyncio, gc, sys, threading, warnings
from exporter.log import LogWriter, adopt_foreign_lines, build_log

class Dies:
    def __del__(self):
        raise ValueError("dying")

async def forget():
    async def fail():
        raise ValueError("forgotten")
    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    del task
    gc.collect()

with LogWriter(2) as writer:
    adopt_foreign_lines(build_log("info", "json", writer), writer)
    warnings.warn("deprecated")
    asyncio.run(forget())
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    Dies()
"""


def test_python_and_its_libraries_have_the_form_of_the_log(tmp_path: Path) -> None:
    done = run_command(tmp_path, "-c", FOREIGN, program=(sys.executable,), env={"PYTHONWARNINGS": "default"})
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["logger"] for line in lines] == ["py.warnings", "asyncio", "threading", "python"]
    assert ["ValueError: dying" in str(line) or "ZeroDivisionError" in str(line) for line in lines[2:]] == [True, True]
