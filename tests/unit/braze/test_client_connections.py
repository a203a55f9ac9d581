"""Which connections a request takes: a kept one, a fresh one, one through a proxy; and whose certificates it trusts."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import trustme

from exporter.braze.client import CONNECTION_SECONDS, HttpSender, Room
from exporter.braze.endpoints import Endpoint
from exporter.braze.wire import Response, build_request
from exporter.domain.errors import NetworkError, TimedOutError
from exporter.trust import build_client_context
from exporter.turns import Pace, Turns

KEY = "key-of-w"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b; Path=/\r\n\r\n{}"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class FixedKey:
    def read(self) -> str:
        return KEY


class Server:
    """Answers on one connection after the other as *script* says: per connection, what each request gets."""

    def __init__(self, *script: list[bytes]) -> None:
        self._script = list(script)
        self.connections = 0
        self.asked: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = self._script[min(self.connections, len(self._script) - 1)]
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            for answer in answers:
                self.asked.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(answer)
                if not answer:
                    break


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    tasks = set()

    async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await serve(reader, writer)
        finally:
            await close(writer)

    server = await asyncio.start_server(tracked, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        # Whoever has closed its end is soon seen to; a test that fails has not.
        await asyncio.wait_for(asyncio.gather(*filter(None, tasks), return_exceptions=True), 10)


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


class Clock:
    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def ask(
    server: Server,
    requests: int,
    clock: Clock | None = None,
    between: Callable[[], None] = lambda: None,
) -> list[Response]:
    """Send some requests to a server, one after the other."""

    async def main() -> list[Response]:
        async with listening(server.serve) as port:
            monotonic = (clock or Clock()).monotonic
            sender = HttpSender(
                f"http://127.0.0.1:{port}", FixedKey(), 10.0, "t", build_client_context(), monotonic=monotonic
            )
            answers = []
            try:
                for _ in range(requests):
                    answers.append(await sender.send(build_request(Endpoint.JOB_SYNC_STATUS, "a")))
                    between()
            finally:
                await sender.aclose()
            return answers

    return asyncio.run(main())


def test_no_cookie_is_sent_back() -> None:
    server = Server([GOOD, GOOD])
    ask(server, 2)
    assert len(server.asked) == 2
    assert b"cookie" not in b"".join(server.asked).lower()


def test_a_kept_connection_that_has_died_is_replaced_without_a_failure() -> None:
    server = Server([GOOD, b""], [GOOD])
    assert [answer.status for answer in ask(server, 2)] == [200, 200]
    assert (server.connections, len(server.asked)) == (2, 3)


def test_a_fresh_connection_that_dies_is_a_failure_at_once() -> None:
    server = Server([b""])
    with pytest.raises(NetworkError):
        ask(server, 1)
    assert server.connections == 1


def test_one_fresh_connection_is_tried_and_no_more() -> None:
    server = Server([GOOD, b""], [b""])
    with pytest.raises(NetworkError):
        ask(server, 2)
    assert server.connections == 2


def test_an_answer_that_breaks_off_is_not_asked_for_again() -> None:
    server = Server([GOOD, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"], [GOOD])
    with pytest.raises(NetworkError):
        ask(server, 2)
    assert server.connections == 1


def test_a_connection_is_kept_until_it_is_old() -> None:
    server, clock = Server([GOOD] * 9), Clock()

    def pass_time() -> None:
        clock.seconds += 0.4 * CONNECTION_SECONDS

    ask(server, 6, clock, pass_time)
    assert (server.connections, len(server.asked)) == (2, 6)


class Proxy:
    """An HTTP proxy that connects to the port it is asked for, or answers *refusal*."""

    def __init__(self, refusal: bytes = b"") -> None:
        self._refusal = refusal
        self.seen = bytearray()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.seen += head
        if self._refusal:
            writer.write(self._refusal)
            return
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        further_reader, further_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ESTABLISHED)
        await asyncio.gather(self._carry(reader, further_writer), self._carry(further_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                self.seen += data
                writer.write(data)
        await close(writer)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def through(proxy: Proxy, authority: trustme.CA, trust: ssl.SSLContext) -> Response:
    """Send a request by TLS through a proxy that asks for a password."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    server = Server([GOOD])

    async def main() -> Response:
        async with listening(server.serve, tls) as port, listening(proxy.serve) as proxy_port:
            url = f"http://user:secret@127.0.0.1:{proxy_port}"
            sender = HttpSender(f"https://localhost:{port}", FixedKey(), 10.0, "t", trust, proxy=url)
            try:
                return await sender.send(build_request(Endpoint.JOB_SYNC_STATUS, "a"))
            finally:
                await sender.aclose()

    return asyncio.run(main())


def test_a_proxy_gets_its_password_and_never_the_key(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    proxy = Proxy()
    assert through(proxy, authority, build_client_context(str(tmp_path / "ca.pem"))).status == 200
    assert bytes(proxy.seen).startswith(b"CONNECT localhost:")
    assert b"Proxy-Authorization: Basic" in proxy.seen
    assert KEY.encode() not in proxy.seen


@pytest.mark.parametrize(
    ("status", "text"),
    [(b"407 Proxy Authentication Required", "the proxy asks for a password"), (b"503 No", "the proxy refused (503)")],
)
def test_a_refusal_of_the_proxy_is_told_without_its_password(authority: trustme.CA, status: bytes, text: str) -> None:
    with pytest.raises(NetworkError) as caught:
        through(Proxy(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"), authority, build_client_context())
    assert text in str(caught.value)
    assert "through the proxy 127.0.0.1:" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_certificate_that_is_not_trusted_names_the_remedy(authority: trustme.CA) -> None:
    with pytest.raises(NetworkError, match=r"set network\.ca_file to its authority's certificate"):
        through(Proxy(), authority, build_client_context())


def test_variables_of_the_process_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "socks5://nowhere.invalid:1")
    assert ask(Server([GOOD]), 1)[0].status == 200


class Silent:
    """Answers nothing on the first *silent* connections, and what is asked for on the others."""

    def __init__(self, silent: int) -> None:
        self._silent = silent
        self.open = self.most = self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most = max(self.most, self.open)
        answers = self.connections > self._silent
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            if answers:
                writer.write(GOOD)
            await reader.read()
        self.open -= 1


async def ask_all(senders: list[HttpSender]) -> list[str]:
    """Let each sender ask at once; return the ends in the order in which they came."""
    ends: list[str] = []

    async def one(number: int, sender: HttpSender) -> None:
        try:
            await sender.send(build_request(Endpoint.JOB_SYNC_STATUS, "a"))
            ends.append(f"{number} answered")
        except TimedOutError:
            ends.append(f"{number} timed out")

    try:
        await asyncio.gather(*(one(number, sender) for number, sender in enumerate(senders)))
    finally:
        for sender in senders:
            await sender.aclose()
    return ends


def test_waiting_for_a_turn_costs_nothing_of_the_time_for_the_answer() -> None:
    async def main() -> list[str]:
        server = Silent(1)
        async with listening(server.serve) as port:
            room, tls = Room(Turns(1), Pace(), kept=0), build_client_context()
            senders = [HttpSender(f"http://127.0.0.1:{port}", FixedKey(), 0.5, "t", tls, room=room) for _ in range(3)]
            ends = await ask_all(senders)
            assert server.most == 1
            return ends

    assert asyncio.run(main()) == ["0 timed out", "1 answered", "2 answered"]


def test_a_workspace_that_was_silent_waits_for_those_that_answer() -> None:
    async def main() -> list[str]:
        server = Silent(1)
        async with listening(server.serve) as port:
            room, tls = Room(Turns(1), Pace(), at_once=2, kept=0), build_client_context()
            silent, good = (
                HttpSender(f"http://127.0.0.1:{port}", FixedKey(), 0.5, "t", tls, room=room) for _ in range(2)
            )
            return await ask_all([silent, silent, good])

    assert asyncio.run(main()) == ["0 timed out", "2 answered", "1 answered"]


def test_what_begins_in_one_go_begins_bit_by_bit() -> None:
    async def main() -> float:
        pace = Pace()
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(pace.begin() for _ in range(41)))
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(main()) > 0.09
