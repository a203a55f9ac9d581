"""
The peers of `benchmarks/page.py`: nginx, a C program, and exporters written with other languages' client libraries.

Each is a process of its own on loopback and ends with the `with` that it was started by; one whose program is not
installed, or cannot be built, is left out with a line on standard error.
"""

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peer_build import ROOT, build

ENCODINGS = ("identity", "gzip")
PLACES = (os.environ.get("PATH", ""), "/usr/sbin", str(ROOT / ".tools" / "components" / "bin"))

NGINX_CONFIG = """
daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
events {{ }}
http {{
  access_log off; sendfile on; tcp_nopush on; default_type text/plain; types {{ }}
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  gzip on; gzip_comp_level 1; gzip_types text/plain;
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


@dataclass
class Subject:
    """One server under measurement."""

    name: str
    port: int
    pid: int
    render_seconds: float | None = None
    page: tuple[int, int] = (0, 0)
    """Samples and bytes."""
    megabytes: tuple[float, float] = (0, 0)
    """Resident memory after the scrapes, and at its highest."""
    scrapes: dict[str, list[float]] = field(default_factory=lambda: {encoding: [] for encoding in ENCODINGS})
    encodings: tuple[str, ...] = ENCODINGS
    poll: Callable[[], object] = lambda: None
    """Let what 15 seconds of polling change be shown."""

    def median(self, encoding: str) -> float:
        return statistics.median(self.scrapes[encoding])


@contextlib.contextmanager
def nginx_server(page: bytes) -> Iterator[Subject | None]:
    program = shutil.which("nginx", path=os.pathsep.join(PLACES))
    if program is None:
        print("nginx is not installed: left out", file=sys.stderr)
        yield None
        return
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        os.chmod(folder, 0o755)  # noqa: PTH101 - a str; its worker may be another user
        Path(folder, "metrics").write_bytes(page)
        config = Path(folder, "nginx.conf")
        config.write_text(NGINX_CONFIG.format(folder=folder, port=port))
        with subprocess.Popen([program, "-c", str(config), "-e", "stderr"]) as process:
            try:
                wait_for(port)
                yield Subject("nginx", port, process.pid)
            finally:
                process.terminate()


@contextlib.contextmanager
def c_server(page: bytes) -> Iterator[Subject | None]:
    """What writes the exporter's bytes and does nothing else; it knows no gzip."""
    compiler = shutil.which("cc")
    if compiler is None:
        print("there is no C compiler: left out", file=sys.stderr)
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "page").write_bytes(page)
        source = Path(__file__).with_name("write_file.c")
        subprocess.run([compiler, "-O2", "-o", "write_file", str(source)], cwd=folder, check=True)
        with subprocess.Popen(["./write_file", "page"], cwd=folder, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                yield Subject("C, the same bytes", int(process.stdout.readline()), process.pid, encodings=("identity",))
            finally:
                process.kill()


@contextlib.contextmanager
def library_server(name: str, language: str, page: bytes) -> Iterator[Subject | None]:
    """An exporter in another language with the metrics of *page*, which it puts into text at each scrape."""
    program = build(language)
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "page").write_bytes(page)
        command = [str(program), "page", "0"]
        # It ends with its standard input, which the end of this block closes.
        with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            yield Subject(name, int(process.stdout.readline()), process.pid)


def wait_for(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise TimeoutError(f"nothing answers on port {port}")
