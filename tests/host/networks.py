"""What lies between a host and Braze: TLS in front of the simulated Braze, and a corporate proxy; on loopback."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import trustme

_PATIENCE_SECONDS = 20


class Listener:
    """Gives each connection, by TLS if there is a context, to *serve* in a thread; `cut` ends those that are open."""

    def __init__(
        self,
        serve: Callable[[socket.socket], None],
        tls: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listening = socket.create_server((address, port), family=family)
        self.port = self._listening.getsockname()[1]
        self.accepted = 0
        self._serve = serve
        self._tls = tls
        self._open = set[socket.socket]()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                connection, _ = self._listening.accept()
                self.accepted += 1
                self._threads.append(threading.Thread(target=self._run, args=(connection,)))
                self._threads[-1].start()

    def _run(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), self._wrap(connection) as inner:
            self._open.add(inner)
            try:
                self._serve(inner)
            finally:
                self._open.discard(inner)

    def _wrap(self, connection: socket.socket) -> socket.socket:
        connection.settimeout(_PATIENCE_SECONDS)
        return connection if self._tls is None else self._tls.wrap_socket(connection, server_side=True)

    def cut(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()
        for thread in self._threads:
            thread.join(_PATIENCE_SECONDS)
            assert not thread.is_alive()


@contextlib.contextmanager
def tls_front(
    braze_url: str, authority: trustme.CA, name: str, *, address: str = "127.0.0.1", port: int = 0
) -> Iterator[Listener]:
    """Speak TLS as *name* and pass on what comes to the Braze at *braze_url*."""
    braze_port = int(braze_url.rpartition(":")[2])

    def serve(connection: socket.socket) -> None:
        with contextlib.closing(_connect(braze_port)) as on:
            _exchange(connection, on)

    listener = Listener(serve, _serve_as(authority, name), address, port)
    try:
        yield listener
    finally:
        listener.close()


class Proxy:
    """An HTTP proxy that connects to the port it is asked for, on this host, or answers *refusal*."""

    def __init__(self, refusal: str = "") -> None:
        self._refusal = refusal
        self.heard: list[bytes] = []
        """The heads of what was asked of it."""

    def serve(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (more := connection.recv(4096)):
            head += more
        self.heard.append(head)
        if self._refusal:
            connection.sendall(f"HTTP/1.1 {self._refusal}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        with contextlib.closing(_connect(port)) as on:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _exchange(connection, on)


@contextlib.contextmanager
def proxying(proxy: Proxy, authority: trustme.CA | None = None) -> Iterator[Listener]:
    """Speak TLS to those who ask the proxy, if an *authority* is given."""
    listener = Listener(proxy.serve, None if authority is None else _serve_as(authority, "127.0.0.1"))
    try:
        yield listener
    finally:
        listener.close()


def _serve_as(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), _PATIENCE_SECONDS)


def _exchange(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until either side ends."""

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    one.settimeout(None)
    other.settimeout(None)
    back = threading.Thread(target=carry, args=(other, one))
    back.start()
    carry(one, other)
    back.join(_PATIENCE_SECONDS)
