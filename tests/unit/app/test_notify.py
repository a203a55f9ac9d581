"""What the service manager hears of the daemon, on a socket like systemd's. Tests wait for messages, never for time."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.app.notify import ServiceManager
from exporter.clock import SystemClock
from tests.service_manager import service_manager


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with service_manager(tmp_path, timeout=5) as listening:
        yield listening


def environ(manager: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(manager.getsockname()), **more}


async def messages(manager: socket.socket, count: int) -> list[str]:
    return [(await asyncio.to_thread(manager.recv, 4096)).decode() for _ in range(count)]


def silent(manager: socket.socket) -> bool:
    """Whether nothing more was sent; a datagram is there as soon as it was sent."""
    manager.setblocking(False)
    try:
        manager.recv(4096)
    except BlockingIOError:
        return True
    return False


def test_ready_at_the_start_and_stopping_at_the_end(manager: socket.socket) -> None:
    async def live() -> list[str]:
        informing = asyncio.create_task(ServiceManager(environ(manager), tuple, SystemClock()).keep_informed())
        ready = await messages(manager, 1)
        informing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await informing
        return ready + await messages(manager, 1)

    assert asyncio.run(live()) == ["READY=1", "STOPPING=1"]


def test_the_watchdog_hears_of_a_daemon_that_lives(manager: socket.socket) -> None:
    async def live() -> list[str]:
        watched = environ(manager, WATCHDOG_USEC="20000", WATCHDOG_PID=str(os.getpid()))
        informing = asyncio.create_task(ServiceManager(watched, tuple, SystemClock()).keep_informed())
        heard = await messages(manager, 3)
        informing.cancel()
        return heard

    assert asyncio.run(live()) == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]


def test_the_watchdog_hears_nothing_while_a_poll_loop_is_dead(manager: socket.socket) -> None:
    """It was asked three times whether all is well, and said nothing; once all is well, it says so."""
    answers = [("workspace production hangs",)] * 3

    def unhealthy() -> tuple[str, ...]:
        return answers.pop() if answers else ()

    async def live() -> list[str]:
        watched = environ(manager, WATCHDOG_USEC="20000")
        informing = asyncio.create_task(ServiceManager(watched, unhealthy, SystemClock()).keep_informed())
        ready = await messages(manager, 1)
        while answers:
            assert silent(manager)
            await asyncio.sleep(0)
        manager.settimeout(5)
        heard = await messages(manager, 1)
        informing.cancel()
        return ready + heard

    assert asyncio.run(live()) == ["READY=1", "WATCHDOG=1"]


def test_a_reload_is_told_from_its_begin_to_its_end_even_if_it_fails(manager: socket.socket) -> None:
    async def reload() -> list[str]:
        service = ServiceManager(environ(manager), tuple, SystemClock())
        with pytest.raises(RuntimeError):
            async with service.reloading():
                raise RuntimeError
        return await messages(manager, 2)

    begun, ended = asyncio.run(reload())
    state, moment = begun.split("\n")
    assert state == "RELOADING=1"
    assert int(moment.removeprefix("MONOTONIC_USEC=")) > 0
    assert ended == "READY=1"


def test_an_abstract_name_is_understood() -> None:
    name = f"braze-cdi-exporter-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        manager.settimeout(5)

        async def reload() -> list[str]:
            async with ServiceManager({"NOTIFY_SOCKET": f"@{name}"}, tuple, SystemClock()).reloading():
                pass
            return await messages(manager, 2)

        assert asyncio.run(reload())[1] == "READY=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nonexistent/notify"}], ids=["nobody", "gone"])
def test_without_a_manager_nothing_fails(environment: dict[str, str]) -> None:
    async def reload() -> bool:
        async with ServiceManager(environment, tuple, SystemClock()).reloading():
            return True

    assert asyncio.run(reload())


@pytest.mark.parametrize(
    "watchdog",
    [
        {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "9" * 5000},
        {},
    ],
    ids=["another process", "no number", "zero", "too large", "none"],
)
def test_no_watchdog_that_is_not_ours(manager: socket.socket, watchdog: dict[str, str]) -> None:
    async def live() -> None:
        service = ServiceManager(environ(manager, **watchdog), tuple, SystemClock())
        informing = asyncio.create_task(service.keep_informed())
        assert await messages(manager, 1) == ["READY=1"]
        assert informing.done() is False
        informing.cancel()
        assert await messages(manager, 1) == ["STOPPING=1"]

    asyncio.run(live())
