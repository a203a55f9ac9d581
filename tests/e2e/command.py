"""
The installed command as a process of its own: started, watched, and always ended by its process id.

Each process has an environment without anything of ours (no proxy, no flags, no Python settings) and a directory of
its own. What it writes goes to files there, so that no pipe can fill up and a failing test can show it.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import IO, Self, TypeVar

T = TypeVar("T")

COMMAND = (str(Path(sys.executable).parent / "braze-cdi-exporter"),)
_ALONE = "from exporter.app import running as it; it.THIS_HOST = 'http://127.0.0.1:9'"
ALONE = (sys.executable, "-c", f"{_ALONE}; from exporter.__main__ import main; main()")
"""The command where no exporter answers on the default port, whatever runs on this machine."""
MODULE = (sys.executable, "-m", "exporter")
PATIENCE_SECONDS = 60.0
"""How long anything may take that should take a moment: machines differ."""
STOP_SECONDS = 5.0
"""How long the daemon may take to end (issue 2)."""
_LISTENING = re.compile(r"^(?=.*\blistening\b).*\b127\.0\.0\.1:(\d+).*\n", re.MULTILINE)
"""A whole line of the log, in either format."""
_PASSED_ON = ("PATH", "LANG", "TMPDIR")


def wait_for(
    what: str, look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS, hint: Callable[[], object] = str
) -> T:
    """Return what *look* finds, as soon as it is true; fail with *what* and a *hint* when it is not so in time."""
    deadline = monotonic() + seconds
    while not (found := look()):
        assert monotonic() < deadline, f"not within {seconds:g} s: {what}\n{hint()}"
        sleep(0.05)
    return found


def environment(directory: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what a service manager gives a process, and nothing of this test run's; a warning of Python's is fatal."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**kept, "HOME": str(directory), "PYTHONWARNINGS": "error", **(extra or {})}


def run_command(
    directory: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    program: tuple[str, ...] = COMMAND,
    stdout: int | IO[bytes] = subprocess.PIPE,
    patience_seconds: float = PATIENCE_SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself, and return what it wrote."""
    return subprocess.run(
        [*program, *arguments],
        cwd=directory,
        env=environment(directory, env),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=patience_seconds,
        check=False,
    )


def files(directory: Path) -> list[str]:
    """Return the names of what lies in a directory."""
    return sorted(path.name for path in directory.iterdir())


class Daemon:
    """
    The daemon, or the demo, from the start to the end of the `with` block.

    Args:
        directory: Its working directory, which must hold its configuration.
        arguments: Flags and subcommand.
        env: More variables of its environment.
        address: Where it listens; a free loopback port unless given.
        stderr: A descriptor for its log, in place of a file; *address* must then name a port.
        wrapper: A command that runs the daemon's.

    """

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        address: str = "127.0.0.1:0",
        stderr: int | None = None,
        wrapper: tuple[str, ...] = (),
    ) -> None:
        self._directory = directory
        self._arguments = (*arguments, "--web.listen-address", address)
        self._env = environment(directory, env)
        self._stderr = stderr
        self._wrapper = wrapper
        self._process: subprocess.Popen[bytes] | None = None
        self._log_begins = 0
        self._port: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()
        # pytest shows it where a test has failed.
        sys.stderr.write(f"{self._directory.name}: the process wrote\n{self.stdout[-3000:]}\n{self.stderr[-9000:]}\n")

    def start(self) -> None:
        """Start the process; what it writes goes behind what its predecessors wrote."""
        with (self._directory / "stdout").open("ab") as stdout, (self._directory / "stderr").open("ab") as stderr:
            self._port, self._log_begins = None, stderr.tell()
            self._process = subprocess.Popen(
                [*self._wrapper, *COMMAND, *self._arguments],
                cwd=self._directory,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr if self._stderr is None else self._stderr,
            )

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def stdout(self) -> str:
        return (self._directory / "stdout").read_text()

    @property
    def stderr(self) -> str:
        """What all processes of this daemon wrote; each writes whole lines."""
        return (self._directory / "stderr").read_text()

    @property
    def port(self) -> int:
        """Where it listens; waits until it does."""
        if self._port is None:
            self._port = wait_for("the daemon listens", self._look_for_port)
        return self._port

    def _look_for_port(self) -> int | None:
        assert self._running.poll() is None, f"it ended with {self._running.returncode} before it listened"
        written = (self._directory / "stderr").read_bytes()[self._log_begins :].decode()
        found = _LISTENING.search(written)
        return int(found[1]) if found else None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal, and return the exit code and the seconds until the end."""
        began = monotonic()
        self._running.send_signal(number)
        code = self._running.wait(PATIENCE_SECONDS)
        return code, monotonic() - began

    def kill(self) -> None:
        """End it at once, if it has not ended yet."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was not started"
        return self._process
