"""What answers at the address of a running exporter may be anything; no answer ends a command in a traceback."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exporter.app.running import NoExporterError, RunningExporter


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Answer whoever connects with these bytes; gives the port, and what was received."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:  # shut down
                    return
                with connection:
                    received.append(connection.recv(65536))
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1], received
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1",
        "http://n:hidden@[::1",
        "http://n:hidden@::1:10273",
        "http://n:hidden@127.0.0.1:port",
        "http://n:hidden@127.0.0.1:99999",
        "http://n:hidden@127.0.0.1:9/a b",
        "http://n:hidden@127.0.0.1:9/\u00fc",
        f"http://n:hidden@{'a' * 64}:9",
        "http://n:hidden@a..b:9",
        "http://n:hidden\udcff@127.0.0.1:9",
    ],
)
def test_an_address_that_cannot_be_asked_is_named_without_its_password(url: str) -> None:
    with pytest.raises(NoExporterError) as refused:
        RunningExporter(url).integrations()
    assert url.rpartition("@")[2] in str(refused.value)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0-OpenSSH_9.2p1\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", b"HTTP/1.1 x\r\n\r\n"],
    ids=["nothing", "another protocol", "half an answer", "no status"],
)
def test_what_answers_as_no_exporter_does_is_told(answer: bytes) -> None:
    with answering(answer) as (port, _), pytest.raises(NoExporterError, match=f"127.0.0.1:{port}"):
        RunningExporter(f"http://127.0.0.1:{port}").integrations()


def test_name_and_password_follow_no_redirect() -> None:
    body = b'{"workspaces": []}'
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as (elsewhere, received):
        moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % elsewhere
        with answering(moved) as (port, asked), pytest.raises(NoExporterError, match="answers 302"):
            RunningExporter(f"http://name:hidden@127.0.0.1:{port}").integrations()
    assert [b"Authorization: Basic" in request for request in asked] == [True]
    assert received == []
