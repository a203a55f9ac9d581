"""
Prometheus and Alertmanager as processes: on free loopback ports, with all their data in a folder of the test, ended by
their process ids. What they are told is for those who start them.
"""

import contextlib
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import yaml

from tests.components import component

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0


@contextlib.contextmanager
def prometheus(folder: Path, config: Mapping[str, Any], *flags: str) -> Iterator[str]:
    """Run Prometheus until the block ends; gives its address. Its data are in *folder*, below `prometheus`."""
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(dict(config)))
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(component("prometheus")),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={address}",
        *flags,
    ]
    with ready(command, folder / "prometheus.log", f"http://{address}") as url:
        yield url


@contextlib.contextmanager
def alertmanager(folder: Path, config: Mapping[str, Any]) -> Iterator[str]:
    """Run Alertmanager until the block ends; gives its address. It keeps its data in *folder*."""
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(dict(config)))
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(component("alertmanager")),
        f"--config.file={file}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",  # else it waits for others of its kind, on all addresses
    ]
    with ready(command, folder / "alertmanager.log", f"http://{address}") as url:
        yield url


@contextlib.contextmanager
def running(log: Path, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* until the block ends; what it writes goes to *log*."""
    with log.open("wb") as output, subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def ready(command: list[str], log: Path, url: str, probe: str = "/-/ready") -> Iterator[str]:
    """Run *command* until the block ends, which begins when *probe* answers well."""
    with running(log, command) as process:
        deadline = monotonic() + START_SECONDS
        while not _is_ready(url + probe):
            assert process.poll() is None, log.read_text()
            assert monotonic() < deadline, log.read_text()
            sleep(0.05)
        yield url


def _is_ready(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url, trust_env=False).status_code == httpx.codes.OK
    return False
