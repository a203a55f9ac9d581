"""Large answers are a few at a time, and a client that does not read gives its place to one that does."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from exporter.web.places import Places
from tests.unit.web.applications import Sources
from tests.unit.web.running import get, running
from tests.virtual_time import VirtualClock, run

LIMIT = 8
BODY = bytes(3 * 1024 * 1024)
BIG = [bytes(1024 * 1024)] * 48
START = datetime(2026, 3, 2, 8, tzinfo=UTC)


async def large(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": BODY})


class Client:
    """Takes each slice after *seconds*; None for never."""

    def __init__(self, places: Places, seconds: float | None) -> None:
        self.statuses: list[int] = []
        self.received = b""
        self._seconds = seconds
        self.task = asyncio.create_task(places({"type": "http"}, self._nothing, self._take))

    async def _nothing(self) -> Message:
        return await asyncio.Future()

    async def _take(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])
            return
        await (asyncio.Future() if self._seconds is None else asyncio.sleep(self._seconds))
        self.received += message["body"]


def play(story: Callable[[Places], Coroutine[Any, Any, None]]) -> None:
    async def main(_clock: VirtualClock) -> None:
        await story(Places(large, limit=LIMIT))

    run(main, start=START)


def test_an_answer_comes_whole_in_slices() -> None:
    async def story(places: Places) -> None:
        client = Client(places, 0)
        await client.task
        assert (client.statuses, client.received) == ([200], BODY)

    play(story)


def test_where_all_read_the_next_one_waits_and_is_told_to_come_again_and_later_served() -> None:
    async def story(places: Places) -> None:
        reading = [Client(places, 0.4) for _ in range(LIMIT)]
        await asyncio.sleep(0.1)
        late = Client(places, 0)
        await late.task
        assert late.statuses == [503]
        await asyncio.gather(*(client.task for client in reading))
        assert all(client.received == BODY for client in reading)
        again = Client(places, 0)
        await again.task
        assert again.received == BODY

    play(story)


def test_a_crowd_that_reads_is_served_as_fast_as_places_become_free() -> None:
    async def story(places: Places) -> None:
        crowd = [Client(places, 0.01) for _ in range(5 * LIMIT)]
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(*(client.task for client in crowd))
        assert all(client.received == BODY for client in crowd)
        assert loop.time() - began < 5 * (len(BODY) / (256 * 1024) * 0.01 + 0.1)

    play(story)


@pytest.mark.parametrize("silent", [LIMIT, 5 * LIMIT, 25 * LIMIT])
def test_those_that_do_not_read_make_room_within_a_second(silent: int) -> None:
    async def story(places: Places) -> None:
        crowd = [Client(places, None) for _ in range(silent)]
        await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        client = Client(places, 0.01)
        await client.task
        assert client.received == BODY
        assert loop.time() - began < 1
        for one in crowd:
            one.task.cancel()
        await asyncio.gather(*(one.task for one in crowd), return_exceptions=True)

    play(story)


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/status"])
def test_eight_silent_readers_of_a_large_page_stop_no_scrape(path: str) -> None:
    async def scenario() -> None:
        async with running(app=Sources(chunks=BIG).build()) as server:
            for _ in range(LIMIT):
                reader, writer = await server.connect()
                writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket transport has it
                writer.write(get("/metrics"))
            reader, writer = await server.connect()
            writer.write(get(path))
            async with asyncio.timeout(5):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "path",
    ["/", "/api/v1/status", "/integrations/production/abc", "/api/v1/integrations/production/abc", "/api/v1/schema"],
)
def test_of_the_answers_under_way_the_latest_asked_for_is_made_first(path: str) -> None:
    made: list[int] = []

    async def scenario() -> None:
        async with Sources().client() as client:

            async def ask(number: int) -> None:
                assert (await client.get(path)).status_code == 200
                made.append(number)

            await asyncio.gather(*map(ask, range(LIMIT)))

    asyncio.run(scenario())
    assert made == [0, *reversed(range(1, LIMIT))]
