"""
How fast is /metrics? This exporter, prometheus-client and nginx serve the same values side by side.

Every server is a process of its own on loopback; nginx serves the exporter's bytes from a file, a C program does
nothing but write them, and either is left out where it is not installed. One exporter has random ids, as real ones are.
Scrapes go round in turns, so that whatever else the machine does meets all alike, and before each the exporters show
what 15 seconds of polling change. Nothing is started that is not stopped at the end. Run `python -m benchmarks.page`;
`--write benchmarks/README.md` puts the table there, `--against FOLDER` measures another checkout of the exporter too.
"""

import argparse
import contextlib
import gzip
import json
import os
import platform
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

from benchmarks.report import replace_section

SIZES = (100, 1_000, 10_000)
ENCODINGS = ("identity", "gzip")
ROOT = Path(__file__).resolve().parent.parent
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


def memory(pid: int) -> tuple[float, float]:
    """Resident memory of a process now and at its highest, in MB."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    now, highest = (int(fields[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))
    return now, highest


def scrape(port: int, encoding: str) -> tuple[float, bytes]:
    """Seconds from connecting to the last byte, and the answer."""
    request = f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {encoding}\r\nConnection: close\r\n\r\n"
    chunks = []
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request.encode())
        while chunk := connection.recv(1 << 20):
            chunks.append(chunk)
    return time.perf_counter() - began, b"".join(chunks)


def body(answer: bytes) -> bytes:
    """The page in *answer*, unpacked; fails unless it is a whole one."""
    head, _, page = answer.partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0], head
    if b"transfer-encoding: chunked" in head.lower():
        pieces = []
        while size := int((parts := page.split(b"\r\n", 1))[0], 16):
            pieces.append(parts[1][:size])
            page = parts[1][size + 2 :]
        page = b"".join(pieces)
    return gzip.decompress(page) if b"content-encoding: gzip" in head.lower() else page


@contextlib.contextmanager
def python_server(kind: str, integrations: int, *flags: str, checkout: Path = ROOT) -> Iterator[Subject]:
    """One of page_servers.py, with the exporter of *checkout*."""
    command = [sys.executable, str(ROOT / "benchmarks" / "page_servers.py"), kind, str(integrations), *flags]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            about = json.loads(process.stdout.readline())
            name = ", ".join([kind, *(["random ids"] if flags else []), *([checkout.name] if checkout != ROOT else [])])
            subject = Subject(name, about["port"], process.pid, about["render_seconds"])
            if kind == "exporter":
                pipes = process.stdin, process.stdout

                def poll() -> None:
                    pipes[0].write(b"\n")
                    pipes[0].flush()
                    assert pipes[1].readline() == b"\n"

                subject.poll = poll
            yield subject
        finally:
            process.terminate()


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


def wait_for(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise TimeoutError(f"nothing answers on port {port}")


def measure(integrations: int, rounds: int, against: Path | None) -> list[Subject]:
    """Every server at one number of integrations, the exporter first."""
    with contextlib.ExitStack() as stack:
        exporter = stack.enter_context(python_server("exporter", integrations))
        client = stack.enter_context(python_server("prometheus-client", integrations))
        odd = stack.enter_context(python_server("exporter", integrations, "--random-ids"))
        page = body(scrape(exporter.port, "identity")[1])
        nginx = stack.enter_context(nginx_server(page))
        c = stack.enter_context(c_server(page))
        others = []
        if against:
            others = [
                stack.enter_context(python_server("exporter", integrations, *flags, checkout=against))
                for flags in ((), ("--random-ids",))
            ]
        subjects = [subject for subject in (exporter, client, odd, nginx, c, *others) if subject is not None]
        for encoding in ENCODINGS:
            for number in range(-1, rounds):
                for subject in subjects:
                    if encoding not in subject.encodings:
                        continue
                    subject.poll()
                    seconds, answer = scrape(subject.port, encoding)
                    if number < 0:  # the first round warms up, and tells what the page is
                        subject.page = count(body(answer))
                    else:
                        subject.scrapes[encoding].append(seconds)
                    del answer
        for subject in subjects:
            subject.megabytes = memory(subject.pid)
        return subjects


def count(page: bytes) -> tuple[int, int]:
    """Samples and bytes of a whole page."""
    assert page.endswith(b"\n")
    lines = page.count(b"\n") - page.count(b"\n#") - page.startswith(b"#")
    return lines, len(page)


def row(subject: Subject, exporter: Subject, integrations: int) -> str:
    samples, size = subject.page
    cells = [f"{integrations:,}", subject.name, f"{samples:,}", f"{size / 1e6:.1f}"]
    cells.append(milliseconds(subject.render_seconds))
    for encoding in ENCODINGS:
        if encoding not in subject.encodings:
            cells += ["", ""]
            continue
        cells.append(milliseconds(subject.median(encoding)))
        cells.append("1" if subject is exporter else f"{subject.median(encoding) / exporter.median(encoding):.3g}")
    cells += [f"{megabytes:.0f}" for megabytes in subject.megabytes]
    return "| " + " | ".join(cells) + " |"


def milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.1f}"


def table(sizes: tuple[int, ...], rounds: int, against: Path | None) -> str:
    about = f"CPython {platform.python_version()}, {os.cpu_count()} CPUs; medians of {rounds} scrapes in turns."
    columns = (
        "integrations",
        "server",
        "samples",
        "MB",
        "make, ms",
        "scrape, ms",
        "ratio",
        "gzip, ms",
        "ratio",
        "RSS, MB",
        "peak",
    )
    lines = [about, "", "| " + " | ".join(columns) + " |", "|--:|---" + "|--:" * (len(columns) - 2) + "|"]
    for size in sizes:
        print(f"{size:,} integrations ...", file=sys.stderr)
        subjects = measure(size, rounds, against)
        lines += [row(subject, subjects[0], size) for subject in subjects]
    return "\n".join([*lines, "", *verdict(sizes[-1], subjects)])


def verdict(integrations: int, subjects: list[Subject]) -> Iterator[str]:
    """What was reached at the last size, beside what is wanted at 10,000 integrations."""
    exporter, client, _odd, *others = subjects
    seconds = exporter.median("identity")
    yield f"At {integrations:,} integrations this exporter"
    yield f"- is {client.median('identity') / seconds:.1f} times faster than prometheus-client (wanted: at least 30);"
    for other in others:
        yield f"- needs {seconds / other.median('identity'):.1f} times the time of {other.name};"
    yield f"- holds at most {exporter.megabytes[1]:.0f} MB (wanted: under 300)."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="scrapes of each server at each size")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of integrations")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout of the exporter")
    parser.add_argument("--write", type=Path, help="a Markdown file whose marked section is replaced by the table")
    arguments = parser.parse_args()
    text = table(tuple(arguments.sizes), arguments.rounds, arguments.against)
    print(text)
    if arguments.write:
        replace_section(arguments.write, "benchmarks/page.py", text)


if __name__ == "__main__":
    main()
