"""A locale that is missing or knows no letters, and a tenth of a core, change nothing of what is counted and shown."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import STOP_SECONDS, Daemon, run_command, wait_for
from tests.e2e.scraping import ask, peek
from tests.e2e.worlds import finish_sync, quiet_world, workspace_entry, write_config
from tests.simulated import SimulatedBraze

NAME = "Käufer ☃ 顧客"
LOCALES = [
    {"LANG": "C"},
    {"LANG": "POSIX"},
    {"LC_ALL": "de_DE.ISO-8859-1"},
    {"LC_ALL": "xx_XX.nonsense"},
    {"LANG": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
]
SLICE_SECONDS = 0.02
"""How long the process runs; then it rests for nine times as long."""


@pytest.fixture
def braze(tmp_path: Path) -> Iterator[SimulatedBraze]:
    with SimulatedBraze(quiet_world("production")) as braze:
        listed = [{"id": "id-of-production", "name": NAME}]
        write_config(tmp_path, [workspace_entry(braze.world, "production", braze.url, integrations=listed)])
        yield braze


def count_a_sync(braze: SimulatedBraze, daemon: Daemon) -> None:
    wait_for("polled", lambda: peek(daemon.port, "braze_cdi_up") == [1])
    braze.call(lambda world: finish_sync(world, "id-of-production", word="success", rows_synced=7))
    wait_for("it counts", lambda: peek(daemon.port, "braze_cdi_rows_synced_total") == [7])


@pytest.mark.parametrize("locale", LOCALES, ids=lambda locale: "-".join(locale.values()))
def test_a_locale_changes_nothing(braze: SimulatedBraze, tmp_path: Path, locale: dict[str, str]) -> None:
    with Daemon(tmp_path, env=locale) as daemon:
        count_a_sync(braze, daemon)
        for path in ("/metrics", "/", "/config"):
            assert NAME in ask(daemon.port, path).text
        fault = braze.call(lambda world: world.faults.add("http_500"))
        wait_for("the failure is logged", lambda: NAME in daemon.stderr)
        braze.call(lambda world: world.faults.remove(fault))
        assert daemon.stop()[0] == 0
    for arguments in (("check",), ("check", "--online"), ("once",)):
        done = run_command(tmp_path, *arguments, env=locale)
        assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
    assert NAME in done.stdout


@contextlib.contextmanager
def a_tenth_of_a_core(pid: int) -> Iterator[None]:
    """Stop and continue the process by signals, as any user may; limits of cgroups need rights that tests may lack."""
    ended = threading.Event()

    def slice_time() -> None:
        with contextlib.suppress(ProcessLookupError):
            while True:
                os.kill(pid, signal.SIGSTOP)
                over = ended.wait(9 * SLICE_SECONDS)
                os.kill(pid, signal.SIGCONT)
                if over or ended.wait(SLICE_SECONDS):
                    return

    slicing = threading.Thread(target=slice_time)
    slicing.start()
    try:
        yield
    finally:
        ended.set()
        slicing.join()


def test_a_tenth_of_a_core_is_enough(braze: SimulatedBraze, tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon, a_tenth_of_a_core(daemon.pid):
        count_a_sync(braze, daemon)
        for _ in range(10):
            assert ask(daemon.port, "/metrics").status == 200
            assert ask(daemon.port, "/-/healthy").status == 200
        fault = braze.call(lambda world: world.faults.add("http_500"))
        wait_for("it fails", lambda: peek(daemon.port, "braze_cdi_up") == [0])
        braze.call(lambda world: world.faults.remove(fault))
        wait_for("it recovers", lambda: peek(daemon.port, "braze_cdi_up") == [1])
        code, seconds = daemon.stop()
        assert (code, seconds < STOP_SECONDS) == (0, True)
