"""
How fast is /metrics? This exporter, prometheus-client and nginx serve the same values side by side.

Every server is a process of its own on loopback; nginx serves the exporter's bytes from a file, a C program does
nothing but write them, and either is left out where it is not installed. With `--peers` exporters written in Go and
Rust serve prometheus-client's metrics too, where their compilers are. One exporter has random ids, as real ones are.
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
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.page_peers import ENCODINGS, Subject, c_server, library_server, nginx_server
from benchmarks.peer_build import LIBRARIES, ROOT
from benchmarks.report import replace_section

SIZES = (100, 1_000, 10_000)


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
        pieces, at = [], 0
        while size := int(page[at : (begin := page.index(b"\r\n", at) + 2)], 16):
            pieces.append(page[begin : begin + size])
            at = begin + size + 2
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


def measure(integrations: int, rounds: int, against: Path | None, *, with_peers: bool) -> list[Subject]:
    """Every server at one number of integrations, the exporter first."""
    with contextlib.ExitStack() as stack:
        exporter = stack.enter_context(python_server("exporter", integrations))
        client = stack.enter_context(python_server("prometheus-client", integrations))
        odd = stack.enter_context(python_server("exporter", integrations, "--random-ids"))
        metrics = body(scrape(client.port, "identity")[1])
        started = (stack.enter_context(library_server(*one, metrics)) for one in LIBRARIES.items() if with_peers)
        peers = [peer for peer in started if peer is not None]
        page = body(scrape(exporter.port, "identity")[1])
        nginx = stack.enter_context(nginx_server(page))
        c = stack.enter_context(c_server(page))
        others = []
        if against:
            others = [
                stack.enter_context(python_server("exporter", integrations, *flags, checkout=against))
                for flags in ((), ("--random-ids",))
            ]
        subjects = [subject for subject in (exporter, client, odd, *peers, nginx, c, *others) if subject is not None]
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
        assert {peer.page[0] for peer in peers} <= {client.page[0]}, "a library does not show every sample"
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


def table(sizes: tuple[int, ...], rounds: int, against: Path | None, *, with_peers: bool) -> str:
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
        subjects = measure(size, rounds, against, with_peers=with_peers)
        lines += [row(subject, subjects[0], size) for subject in subjects]
    return "\n".join([*lines, "", *verdict(sizes[-1], subjects)])


def verdict(integrations: int, subjects: list[Subject]) -> Iterator[str]:
    """What was reached at the last size, beside what is wanted at 10,000 integrations."""
    exporter, client, _odd, *others = subjects
    seconds = exporter.median("identity")
    yield f"At {integrations:,} integrations this exporter"
    yield f"- is {client.median('identity') / seconds:.1f} times faster than prometheus-client (wanted: at least 30);"
    for other in others:
        yield f"- needs {seconds / other.median('identity'):.2g} times the time of {other.name};"
    yield f"- holds at most {exporter.megabytes[1]:.0f} MB (wanted: under 300)."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="scrapes of each server at each size")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of integrations")
    parser.add_argument("--peers", action="store_true", help="build and measure the exporters in Go and Rust too")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout of the exporter")
    parser.add_argument("--write", type=Path, help="a Markdown file whose marked section is replaced by the table")
    arguments = parser.parse_args()
    text = table(tuple(arguments.sizes), arguments.rounds, arguments.against, with_peers=arguments.peers)
    print(text)
    if arguments.write:
        replace_section(arguments.write, "benchmarks/page.py", text)


if __name__ == "__main__":
    main()
