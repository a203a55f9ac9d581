"""Sending over real sockets to a Braze that misbehaves, and what can never get out: the key."""

import asyncio
import contextlib
import gzip
import json
import socket
import traceback
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import pytest

from exporter.braze.client import MAX_BODY_BYTES, HttpSender
from exporter.braze.endpoints import Endpoint
from exporter.braze.hiding import HIDDEN
from exporter.braze.wire import Response, build_request, decipher_next_cursor
from exporter.domain.errors import AuthError, NetworkError, PayloadError, PollError, TimedOutError
from exporter.trust import build_client_context
from tests.simulated import SimulatedBraze
from tests.world import World

T = TypeVar("T")
JOBS, LIST = Endpoint.JOB_SYNC_STATUS, Endpoint.INTEGRATIONS
KEY = "key-of-w"
TLS = build_client_context()


class Key:
    """A key that tests can change."""

    def __init__(self, text: str = KEY) -> None:
        self.text = text

    def read(self) -> str:
        if not self.text:
            raise AuthError("the key file is empty")
        return self.text


@pytest.fixture
def braze() -> Iterator[SimulatedBraze]:
    world = World(1, datetime.now(UTC))
    world.add_workspace("w")
    world.add_integration("w", "a", integration_id="a")
    with SimulatedBraze(world) as simulated:
        yield simulated


def send(url: str, key: Key | None = None, *, timeout_seconds: float = 10.0) -> Response:
    """Send one request for the first page of integration `a`."""

    async def act(sender: HttpSender) -> Response:
        return await sender.send(build_request(JOBS, "a"))

    return with_sender(act, url, key, timeout_seconds=timeout_seconds)


def with_sender(
    act: Callable[[HttpSender], Awaitable[T]], url: str, key: Key | None = None, *, timeout_seconds: float = 10.0
) -> T:
    async def main() -> T:
        sender = HttpSender(url, key or Key(), timeout_seconds, "test/1", TLS)
        try:
            return await act(sender)
        finally:
            await sender.aclose()

    return asyncio.run(main())


def from_server(answer: bytes, key: Key | None = None, *, endless: bytes = b"") -> tuple[Response | PollError, bytes]:
    """Send to a server that answers these bytes, whatever it is asked; return what came, and the request it got."""
    asked = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.extend(await reader.readuntil(b"\r\n\r\n"))
        with contextlib.suppress(ConnectionError):
            writer.write(answer)
            while endless:
                writer.write(endless)
                await writer.drain()
        writer.close()

    async def main() -> Response | PollError:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        sender = HttpSender(f"http://127.0.0.1:{port}", key or Key(), 10.0, "test/1", TLS)
        try:
            return await sender.send(build_request(JOBS, "a", "c=1"))
        except PollError as error:
            return error
        finally:
            await sender.aclose()
            server.close()
            await server.wait_closed()

    return asyncio.run(main()), bytes(asked)


def _break_once(fault: str, world: World) -> None:
    world.faults.add(fault, times=1)


def everything_said_of(error: BaseException) -> str:
    """The error's text, and that of everything behind it, as a traceback would print it."""
    return "".join(traceback.format_exception(error))


def test_a_good_answer_comes_with_status_lower_case_headers_and_body(braze: SimulatedBraze) -> None:
    response = send(braze.url)
    assert (response.status, response.headers["x-ratelimit-limit"]) == (200, "100")
    assert b'"message": "success"' in response.body


def test_a_request_says_who_asks_and_carries_the_key_and_nothing_that_lets_an_answer_grow() -> None:
    _, asked = from_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    lines = asked.decode().lower().split("\r\n")
    assert lines[0] == "get /cdi/integrations/a/job_sync_status?cursor=c%3d1 http/1.1"
    assert f"authorization: bearer {KEY}" in lines
    assert "user-agent: test/1" in lines
    assert "accept-encoding: identity" in lines


def test_a_key_is_read_for_every_request_so_that_a_rotated_one_is_used_at_once(braze: SimulatedBraze) -> None:
    key = Key()

    async def act(sender: HttpSender) -> list[int]:
        statuses = [(await sender.send(build_request(LIST))).status]
        braze.world.switch("key_rotated", "w")
        statuses.append((await sender.send(build_request(LIST))).status)
        key.text += "-rotated"
        statuses.append((await sender.send(build_request(LIST))).status)
        return statuses

    assert with_sender(act, braze.url, key) == [200, 401, 200]


@pytest.mark.parametrize("status", [202, 301, 302, 307, 308, 400, 403, 404, 429, 500, 503])
def test_every_status_is_an_answer_and_no_redirect_is_followed(braze: SimulatedBraze, status: int) -> None:
    braze.call(lambda world: world.faults.add(f"http_{status}"))
    assert send(braze.url).status == status


def test_a_link_to_another_host_never_becomes_an_address() -> None:
    link = b'Link: <https://elsewhere.example/x?cursor=abc>; rel="next"\r\n'
    response, _ = from_server(b"HTTP/1.1 200 OK\r\n" + link + b"Content-Length: 2\r\n\r\n{}")
    assert isinstance(response, Response)
    assert decipher_next_cursor(response) == "abc"
    assert build_request(JOBS, "a", "abc").path.startswith("/cdi/")


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_no_complete_answer_within_the_deadline_is_a_timeout(braze: SimulatedBraze, fault: str) -> None:
    braze.call(lambda world: world.faults.add(fault))
    with pytest.raises(TimedOutError, match=r"within 0\.3 s"):
        send(braze.url, timeout_seconds=0.3)


@pytest.mark.parametrize("fault", ["cut", "reset"])
def test_a_connection_lost_in_mid_answer_is_a_network_error(braze: SimulatedBraze, fault: str) -> None:
    braze.call(lambda world: world.faults.add(fault))
    with pytest.raises(NetworkError) as caught:
        send(braze.url)
    assert braze.url in str(caught.value)
    assert KEY not in everything_said_of(caught.value)


def test_after_any_fault_the_next_request_is_answered(braze: SimulatedBraze) -> None:
    async def act(sender: HttpSender) -> int:
        for fault in ("cut", "reset", "huge_body", "hang"):
            braze.call(partial(_break_once, fault))
            with pytest.raises(PollError):
                await sender.send(build_request(JOBS, "a"))
        return (await sender.send(build_request(JOBS, "a"))).status

    assert with_sender(act, braze.url, timeout_seconds=1.0) == 200


def test_nobody_listening_is_a_network_error_that_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NetworkError) as caught:
            send(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert "refused" in str(caught.value)


def test_a_server_that_speaks_no_http_is_a_network_error() -> None:
    error, _ = from_server(b"220 smtp.example ready\r\n\r\n")
    assert type(error) is NetworkError


def test_a_body_too_large_is_given_up_in_the_middle() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    error, _ = from_server(head, endless=b" " * 65536)
    assert type(error) is PayloadError
    response, _ = from_server(head + b" " * MAX_BODY_BYTES)
    assert isinstance(response, Response)
    assert len(response.body) == MAX_BODY_BYTES


def test_a_compressed_answer_is_not_expanded() -> None:
    packed = gzip.compress(b" " * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    response, _ = from_server(head.encode() + packed)
    assert isinstance(response, Response)
    assert response.body == packed


def test_a_key_that_cannot_be_read_sends_nothing(braze: SimulatedBraze) -> None:
    with pytest.raises(AuthError):
        send(braze.url, Key(""))


@pytest.mark.parametrize("text", ["secret\nX-Evil: 1", "secret\r\n\r\n", "secret\x00", "secret-ключ", "secret\udcff"])
def test_a_key_that_no_header_can_hold_is_an_auth_error_and_never_shown(braze: SimulatedBraze, text: str) -> None:
    with pytest.raises(AuthError) as caught:
        send(braze.url, Key(text))
    assert "secret" not in everything_said_of(caught.value)


def test_plain_http_does_not_go_through_a_proxy_of_the_environment(
    braze: SimulatedBraze, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert send(braze.url).status == 200


def test_cancelling_a_request_gets_through_at_once(braze: SimulatedBraze) -> None:
    braze.call(lambda world: world.faults.add("hang"))

    async def act(sender: HttpSender) -> None:
        task = asyncio.create_task(sender.send(build_request(JOBS, "a")))
        while not braze.world.requests["w"]:  # noqa: ASYNC110 - told by another thread, which sets no event
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with_sender(act, braze.url)


@pytest.mark.parametrize("text", ["sekret-key-0123", 'se/k "r+t\\&'])
def test_an_answer_that_repeats_the_key_is_heard_without_it(text: str) -> None:
    said = json.dumps({"message": f"Invalid API key: Bearer {text}", "link": f"/?key={quote(text, safe='')}"})
    head = f"HTTP/1.1 401 Unauthorized\r\nx-said: {text}\r\ncontent-length: {len(said)}\r\n\r\n"
    answer, asked = from_server((head + said).encode(), Key(text))
    assert text.encode() in asked
    assert isinstance(answer, Response)
    assert answer.status == 401
    everything = answer.body.decode() + repr(dict(answer.headers))
    assert text not in everything
    assert text not in str(json.loads(answer.body))
    assert quote(text, safe="") not in everything
    assert HIDDEN in everything
