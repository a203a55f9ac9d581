"""Blocking work of different parties shares no thread, nor the pool that resolves names."""

import asyncio
import threading
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from exporter.config.web import WebConfig
from exporter.web.security import Security
from exporter.worker import Worker
from tests.unit.web.applications import Sources
from tests.unit.web.users import users


def test_a_job_that_hangs_holds_up_its_own_party_only() -> None:
    async def main() -> None:
        released = threading.Event()
        one, other = Worker("one"), Worker("other")
        hanging = asyncio.create_task(one.run(released.wait))
        assert await asyncio.wait_for(other.run(lambda: threading.current_thread().name), 5) == "other_0"
        behind = asyncio.create_task(one.run(lambda: "behind"))
        await asyncio.sleep(0)
        assert not behind.done()
        released.set()
        assert (await hanging, await behind) == (True, "behind")

    asyncio.run(main())


def test_a_party_that_rests_has_a_fraction_of_the_time_however_many_jobs_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = 1000.0, list[float]()

    def pass_time(seconds: float) -> None:
        nonlocal now
        now += seconds

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        pass_time(seconds)

    def fail() -> None:
        pass_time(4.0)
        raise ValueError("no limits")

    monkeypatch.setattr("exporter.worker.time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))

    async def main() -> None:
        worker = Worker("resting", rest=3.0)
        await asyncio.gather(*(worker.run(partial(pass_time, seconds)) for seconds in (1.0, 2.0, 0.0)))
        with pytest.raises(ValueError, match="no limits"):
            await worker.run(fail)
        await worker.run(lambda: None)
        pass_time(60.0)
        await worker.run(lambda: None)

    asyncio.run(main())
    assert slept == [3.0, 6.0, 12.0]


@pytest.mark.parametrize("path", ["/", "/api/v1/status", "/config"])
def test_a_resolver_that_hangs_holds_up_no_page(path: str) -> None:
    async def main() -> None:
        released = threading.Event()
        loop = asyncio.get_running_loop()
        hanging = [loop.run_in_executor(None, released.wait) for _ in range(64)]
        try:
            async with Sources().client() as client:
                assert (await asyncio.wait_for(client.get(path), 5)).status_code == 200
            security = Security(lambda: WebConfig(users=users(ann="secret")), Sources().bound_log(), lambda _: None)
            assert await asyncio.wait_for(security.refresh(), 5) is None
        finally:
            released.set()
            await asyncio.gather(*hanging)

    asyncio.run(main())


def test_a_page_that_hangs_holds_up_no_other() -> None:
    async def main() -> None:
        released = threading.Event()

        def config() -> Any:
            assert released.wait(5)
            return "done\n"

        async with Sources(config=config).client() as client:
            hanging = asyncio.create_task(client.get("/config"))
            await asyncio.sleep(0)
            for path in ("/", "/api/v1/status", "/metrics", "/-/healthy"):
                assert (await asyncio.wait_for(client.get(path), 5)).status_code == 200
            assert not hanging.done()
            released.set()
            assert (await hanging).text == "done\n"

    asyncio.run(main())
