import asyncio
import random
import signal
from dataclasses import replace

import pytest
from starlette.types import Receive, Scope, Send

from exporter.web.listen import ListenError
from exporter.web.server import Server
from tests.unit.web.applications import Sources
from tests.unit.web.running import PATIENT, answer, ended, get, running

BIG = [random.Random(7).randbytes(1024 * 1024)] * 40


def test_a_request_is_answered_and_the_connection_used_again() -> None:
    async def scenario() -> None:
        async with running() as server:
            reader, writer = await server.connect()
            for _ in range(2):
                writer.write(get("/metrics"))
                received = await answer(reader)
                assert received.startswith(b"HTTP/1.1 200 OK\r\n")
                assert received.endswith(b"\r\n\r\nfirst 1\nsecond 2\n")
                assert b"\r\nserver:" not in received.lower()

    asyncio.run(scenario())


def test_pipelined_requests_are_answered_in_order() -> None:
    async def scenario() -> None:
        async with running() as server:
            reader, writer = await server.connect()
            writer.write(get("/-/healthy") + get("/-/ready") + get("/nope", "Connection: close"))
            received = await ended(reader)
            assert [
                line for line in received.splitlines() if line.startswith(b"HTTP/1.1") or line in {b"healthy", b"ready"}
            ] == [
                b"HTTP/1.1 200 OK",
                b"healthy",
                b"HTTP/1.1 200 OK",
                b"ready",
                b"HTTP/1.1 404 Not Found",
            ]

    asyncio.run(scenario())


@pytest.mark.parametrize("sent", [b"", b"GET /metrics HT", b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_a_silent_or_half_sent_request_is_cut(sent: bytes) -> None:
    async def scenario() -> None:
        async with running(replace(PATIENT, request_seconds=0.05)) as server:
            reader, writer = await server.connect()
            writer.write(sent)
            assert await ended(reader) == b""

    asyncio.run(scenario())


def test_dripping_bytes_does_not_prolong_a_request() -> None:
    async def scenario() -> None:
        async with running(replace(PATIENT, request_seconds=0.1)) as server:
            reader, writer = await server.connect()
            writer.write(get("/-/healthy"))
            await answer(reader)
            writer.write(b"GET /metrics HTTP/1.1\r\nX-Slow: ")

            async def drip() -> None:
                while True:
                    writer.write(b"a")
                    await asyncio.sleep(0.01)

            dripping = asyncio.create_task(drip())
            assert await ended(reader) == b""
            dripping.cancel()

    asyncio.run(scenario())


def test_an_idle_connection_is_cut() -> None:
    async def scenario() -> None:
        async with running(replace(PATIENT, idle_seconds=0.05)) as server:
            reader, writer = await server.connect()
            writer.write(get("/-/healthy"))
            assert (await ended(reader)).endswith(b"healthy\n")

    asyncio.run(scenario())


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_client_that_does_not_read_is_cut_and_its_page_dropped(encoding: str) -> None:
    async def scenario() -> None:
        sources = Sources(chunks=BIG)
        app = sources.build()
        dropped = asyncio.Event()

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            await app(scope, receive, send)
            if scope["path"] == "/metrics":
                dropped.set()

        async with running(replace(PATIENT, answer_seconds=0.2), watched) as server:
            reader, writer = await server.connect()
            writer.write(get("/metrics", f"Accept-Encoding: {encoding}"))
            await reader.readuntil(b"\r\n\r\n")
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket transport has it
            other, other_writer = await server.connect()
            other_writer.write(get("/-/healthy"))
            await answer(other)
            async with asyncio.timeout(5):
                await dropped.wait()
            assert sources.chunks_made < len(BIG)
            writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
            assert len(await ended(reader)) < sum(map(len, BIG))

    asyncio.run(scenario())


def test_a_request_body_is_not_read_and_ends_the_connection() -> None:
    async def scenario() -> None:
        async with running() as server:
            reader, writer = await server.connect()
            writer.write(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nstart")
            received = await ended(reader)
            assert received.startswith(b"HTTP/1.1 405 ")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01 this is TLS\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 20_000,
        b"GET /metrics HTTP/1.1\r\nNo colon\r\n\r\n",
    ],
)
def test_what_is_no_proper_request_is_answered_400_and_cut(sent: bytes) -> None:
    async def scenario() -> None:
        async with running() as server:
            reader, writer = await server.connect()
            writer.write(sent)
            assert (await ended(reader)).startswith(b"HTTP/1.1 400 ")

    asyncio.run(scenario())


def test_rubbish_behind_a_request_under_way_cuts_the_connection() -> None:
    async def scenario() -> None:
        async def wait(_scope: Scope, receive: Receive, _send: Send) -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        async with running(app=wait) as server:
            reader, writer = await server.connect()
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n")
            assert await ended(reader) == b""

    asyncio.run(scenario())


def test_beyond_the_cap_the_connection_that_waited_longest_makes_room() -> None:
    async def scenario() -> None:
        async with running(replace(PATIENT, connections=3)) as server:
            silent = [await server.connect() for _ in range(3)]
            silent[0][1].write(get("/-/healthy"))  # now the second has waited longest
            await answer(silent[0][0])
            reader, writer = await server.connect()
            writer.write(get("/-/healthy"))
            assert (await answer(reader)).endswith(b"healthy\n")
            assert await ended(silent[1][0]) == b""
            silent[0][1].write(get("/-/healthy"))
            assert (await answer(silent[0][0])).endswith(b"healthy\n")

    asyncio.run(scenario())


def test_stopping_ends_what_is_under_way_and_cuts_the_rest() -> None:
    async def scenario() -> None:
        begun, finish = asyncio.Event(), asyncio.Event()

        async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
            begun.set()
            await finish.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"whole"})

        async with running(replace(PATIENT, stop_seconds=3), slow) as server:
            silent_reader, _ = await server.connect()
            reader, writer = await server.connect()
            writer.write(get("/"))
            await begun.wait()
            server.stop.set()
            assert await ended(silent_reader) == b""
            with pytest.raises(OSError, match="Connect call failed"):
                await server.connect()
            finish.set()
            assert b"whole" in await ended(reader)

    asyncio.run(scenario())


def test_stopping_does_not_wait_for_a_client_that_does_not_read() -> None:
    async def scenario() -> None:
        async with running(replace(PATIENT, stop_seconds=0), Sources(chunks=BIG).build()) as server:
            reader, writer = await server.connect()
            writer.write(get("/metrics"))
            await reader.readuntil(b"\r\n\r\n")
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket transport has it
            server.stop.set()
            async with asyncio.timeout(5):
                await server.serving

    asyncio.run(scenario())


def test_signals_stay_as_they_were() -> None:
    async def scenario() -> None:
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        async with running() as server:
            reader, writer = await server.connect()
            writer.write(get("/-/healthy"))
            await answer(reader)
            assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before

    asyncio.run(scenario())


def test_cancelling_the_server_lets_go_of_its_address() -> None:
    async def scenario() -> None:
        server = Server(Sources().build(), limits=PATIENT)
        (address,) = server.bind(["127.0.0.1:0"])
        serving = asyncio.create_task(server.serve(asyncio.Event()))
        reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
        writer.write(get("/-/healthy"))
        await answer(reader)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert await ended(reader) == b""
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", address.port)
        writer.close()

    asyncio.run(scenario())


def test_a_crash_of_the_server_surfaces() -> None:
    async def scenario() -> None:
        server = Server(Sources().build(), limits=PATIENT)
        server.bind(["127.0.0.1:0"])
        server.close()  # a socket that has gone cannot be served
        with pytest.raises(OSError, match="Bad file descriptor"):
            await server.serve(asyncio.Event())

    asyncio.run(scenario())


def test_several_addresses_are_served() -> None:
    async def scenario() -> None:
        async with running(more=[":0"]) as server:
            for port in server.ports:
                reader, writer = await server.connect(port)
                writer.write(get("/-/healthy"))
                assert (await answer(reader)).endswith(b"healthy\n")

    asyncio.run(scenario())


def test_binding_a_taken_port_is_a_listen_error() -> None:
    first = Server(Sources().build())
    (address,) = first.bind(["127.0.0.1:0"])
    with pytest.raises(ListenError, match="Address already in use"):
        Server(Sources().build()).bind([str(address)])
    first.close()


CHUNKED, LENGTH = "Transfer-Encoding: chunked", "Content-Length: 5"


@pytest.mark.parametrize(
    ("version", "headers", "body"),
    [
        ("1.1", [LENGTH, CHUNKED], b"0\r\n\r\n"),
        ("1.1", [CHUNKED, LENGTH], b"0\r\n\r\n"),
        ("1.1", [CHUNKED], b"0\r\n\r\n"),
        ("1.0", [CHUNKED, "Connection: keep-alive"], b"0\r\n\r\n"),
        ("1.1", [LENGTH], b"12345"),
        ("1.1", [LENGTH, LENGTH], b"12345"),
        ("1.1", [LENGTH, "Content-Length: 6"], b"12345"),
        ("1.1", ["Content-Length: +5"], b"12345"),
        ("1.1", ["Content-Length: 5, 5"], b"12345"),
        ("1.1", ["Transfer-Encoding: gzip, chunked"], b"0\r\n\r\n"),
        ("1.1", ["Transfer-Encoding: chunked, identity"], b"0\r\n\r\n"),
        ("1.1", [CHUNKED, CHUNKED], b"0\r\n\r\n"),
        ("1.1", ["Transfer-Encoding : chunked"], b"0\r\n\r\n"),
        ("1.1", ["Transfer-Encoding: \x0bchunked"], b"0\r\n\r\n"),
    ],
)
def test_a_request_whose_end_may_be_seen_differently_is_the_last_of_its_connection(
    version: str, headers: list[str], body: bytes
) -> None:
    smuggled = get("/-/ready")

    async def scenario() -> bytes:
        async with running() as server:
            reader, writer = await server.connect()
            head = "\r\n".join([f"GET /-/healthy HTTP/{version}", "Host: x", *headers, "", ""]).encode()
            writer.write(head + body + smuggled)
            return await ended(reader)

    assert asyncio.run(scenario()).count(b"HTTP/1.1 ") == 1
