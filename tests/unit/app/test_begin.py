"""The start with much to read: probes are answered from the first moment, a scrape once all that was known is shown."""

import asyncio
import errno
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from httpx import ASGITransport, AsyncClient

from exporter.app.daemon import serve
from exporter.web.routes import build_web
from tests.unit.app.test_reload_transaction import World
from tests.virtual_time import VirtualClock, run

START = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("one", "two", "three", "four")


def test_workspaces_begin_one_after_the_other_and_a_scrape_waits_for_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def main(clock: VirtualClock) -> None:
        world = World(clock, monkeypatch, tmp_path)
        config = world.config(*NAMES)
        web = build_web(world.sources, telemetry_path="/metrics", log=world.log)
        async with AsyncClient(transport=ASGITransport(web), base_url="http://exporter") as client:
            scraping = asyncio.create_task(client.get("/metrics"))
            ready = await client.get("/-/ready")
            assert (ready.status_code, ready.text) == (503, "what is known from before is still being read\n")
            beginning = asyncio.create_task(world.exporter.begin(config))
            seen = []
            while not beginning.done():
                await asyncio.sleep(0)
                seen.append(len(world.exporter.pollers))
                assert (await client.get("/-/healthy")).status_code == 200
            assert set(seen) >= {1, 2, 3, 4}
            page = (await scraping).text
            assert all(f'workspace="{name}"' in page for name in NAMES)
        await world.exporter.close()

    run(main, start=START)


def test_nothing_is_polled_before_all_that_was_known_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        world = World(clock, monkeypatch, tmp_path)
        beginning = asyncio.create_task(world.exporter.begin(world.config(*(f"workspace {n}" for n in range(40)))))
        while not world.exporter.begun.is_set():
            assert world.asked == []
            await asyncio.sleep(0)
        await beginning
        await asyncio.sleep(60)
        assert len(set(world.asked)) == 40
        await world.exporter.close()

    run(main, start=START)


def test_a_visitor_waits_for_one_workspace_not_for_one_at_each_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def main(clock: VirtualClock) -> None:
        world = World(clock, monkeypatch, tmp_path)
        beginning = asyncio.create_task(world.exporter.begin(world.config(*(f"workspace {n}" for n in range(9)))))
        seen: list[int] = []
        while 3 not in seen:
            await asyncio.sleep(0)
            seen.append(len(world.exporter.pollers))
        for _step in ("is accepted", "is read", "is answered", "gets it"):
            await asyncio.sleep(0)
        assert len(world.exporter.pollers) == 4
        await beginning
        await world.exporter.close()

    run(main, start=START)


class Closing:
    """A server that has no address any more once it has stopped."""

    closed = False

    @property
    def addresses(self) -> tuple[str, ...]:
        if self.closed:
            raise OSError(errno.EBADF, "Bad file descriptor")
        return ("127.0.0.1:1",)

    async def serve(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.closed = True


@pytest.mark.parametrize("rounds", range(6))
def test_a_signal_in_the_middle_of_the_begin_ends_it_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rounds: int
) -> None:
    async def main(clock: VirtualClock) -> None:
        world, stop = World(clock, monkeypatch, tmp_path), asyncio.Event()

        async def begin() -> None:
            stop.set()
            for _ in range(rounds):
                await asyncio.sleep(0)

        await serve(world.exporter, cast("Any", Closing()), world.log, stop, begin=begin, tasks={}, about={})
        assert "stopped" in world.lines.getvalue()

    run(main, start=START)


def test_a_reload_waits_for_the_begin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        world = World(clock, monkeypatch, tmp_path)
        beginning = asyncio.create_task(world.reloader.begin())
        await asyncio.sleep(0)
        world.wanted = world.config("three")
        assert await world.reloader.reload() is None
        assert beginning.done()
        assert [poller.settings.name for poller in world.exporter.pollers] == ["three"]
        await world.exporter.close()

    run(main, start=START)
