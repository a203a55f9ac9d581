"""A reload is a transaction: whatever fails in it, everything is as it was before, and nothing is left behind."""

import asyncio
import io
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exporter.app import exporter as composition
from exporter.app.exporter import Exporter
from exporter.app.reload import Reloader
from exporter.app.sources import build_sources
from exporter.config.errors import ConfigError, FieldError
from exporter.config.files import ConfigWatch
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.config.network import Defaults, build_network
from exporter.domain.errors import NetworkError
from exporter.domain.model import Integration
from exporter.domain.settings import PollSettings, WorkspaceSettings
from exporter.domain.view import View
from exporter.log import build_log
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.workspace import WorkspacePoller
from exporter.state.store import MemoryStore
from exporter.web.view import WebSources
from exporter.worker import Worker
from tests.snapshots import page_bytes
from tests.virtual_time import VirtualClock, run


class Unreachable:
    """A key that is read for every request, and then there is no way to Braze."""

    def __init__(self, asked: list[str], name: str) -> None:
        self.setting = ("api_key_file", name)
        self._asked = asked
        self._name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unreachable) and self.setting == other.setting

    __hash__ = None  # type: ignore[assignment]

    def read(self) -> str:
        self._asked.append(self._name)
        raise NetworkError("no network")


class World:
    """An exporter with its reloader, whose file is what `wanted` says."""

    def __init__(self, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.asked: list[str] = []
        self.clock = clock
        self.lines = io.StringIO()
        self.log = log = build_log("info", "logfmt", self.lines)
        self.exporter = Exporter(store=MemoryStore(), self_metrics=SelfMetrics(), clock=clock, log=log)
        self.wanted = self.config("one", "two")
        self.reloader = Reloader(
            path="config.yaml",
            config=self.wanted,
            watch=ConfigWatch(str(tmp_path / "config.yaml")),
            exporter=self.exporter,
            clock=clock,
            log=log,
        )
        self.sources: WebSources = build_sources(self.exporter, clock, self.reloader.render, self.reloader.reload)

        async def load(_worker: object, _job: object) -> Config:
            await asyncio.sleep(1)
            return self.wanted

        monkeypatch.setattr(Worker, "run", load)  # virtual time has no threads

    def config(self, *names: str, interval: float = 60) -> Config:
        return Config(
            tuple(
                ConfiguredWorkspace(
                    WorkspaceSettings(
                        name,
                        "https://rest.iad-03.braze.com",
                        PollSettings(interval_seconds=interval),
                        integrations=(Integration(name, f"id-{name}", f"id-{name}"),),
                    ),
                    Unreachable(self.asked, name),
                )
                for name in names
            )
        )

    async def shown(self) -> tuple[object, ...]:
        """All that a visitor sees and that does not change with time."""
        page = page_bytes(self.exporter.page, self.clock.now()).decode()
        own = [line for line in page.splitlines() if line.startswith("braze_cdi_up{") or "_interval_seconds{" in line]
        names = [workspace.name for workspace in (await self.sources.status()).workspaces]
        return sorted(own), names, self.sources.unhealthy(), self.sources.unready(), self.sources.config()

    async def requests_in_ten_minutes(self) -> int:
        before = len(self.asked)
        await asyncio.sleep(600)
        return len(self.asked) - before


Play = Callable[[Callable[[World], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Play:
    """Run a story with two workspaces that have been polled for a while."""

    def begin(story: Callable[[World], Coroutine[Any, Any, None]]) -> None:
        async def main(clock: VirtualClock) -> None:
            world = World(clock, monkeypatch, tmp_path)
            world.exporter.apply(world.wanted)
            await asyncio.sleep(1200)
            try:
                await story(world)
            finally:
                await world.exporter.close()
            assert len(asyncio.all_tasks()) == 1

        run(main, start=datetime(2026, 3, 2, 8, tzinfo=UTC))

    return begin


def fails_at(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, call: int) -> None:
    """Let the *call*-th call of a function raise."""
    real, calls = getattr(owner, name), 0

    def fail(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError("the disk is on fire")
        return real(*args, **options)

    monkeypatch.setattr(owner, name, fail)


@pytest.mark.parametrize(
    ("owner", "name", "call"),
    [
        (composition, "build_sender", 1),
        (composition, "build_sender", 3),
        (composition, "build_limiters", 1),
        (WorkspacePoller, "__init__", 1),
        (WorkspacePoller, "__init__", 3),
        (MemoryStore, "load", 2),
        (Page, "exchange", 1),
    ],
)
def test_whatever_fails_all_is_as_before_and_the_next_reload_works(
    play: Play, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, call: int
) -> None:
    async def story(world: World) -> None:
        before, tasks = await world.shown(), len(asyncio.all_tasks())
        usual = await world.requests_in_ten_minutes()
        for attempt in range(3):
            world.wanted = world.config("three", "two", "one", interval=30)
            with monkeypatch.context() as patched:
                fails_at(patched, owner, name, call)
                answer = await world.reloader.reload()
            assert answer is not None
            assert "the disk is on fire" in answer
            assert world.lines.getvalue().count("configuration not reloaded") == attempt + 1
            page = page_bytes(world.exporter.page, world.clock.now()).decode()
            assert "braze_cdi_exporter_config_last_reload_successful 0\n" in page
            assert "three" not in page
            assert await world.shown() == before
            await asyncio.sleep(1)
            assert len(asyncio.all_tasks()) == tasks
            assert await world.requests_in_ten_minutes() == usual
        assert await world.reloader.reload() is None
        await asyncio.sleep(60)
        assert [workspace.name for workspace in (await world.sources.status()).workspaces] == ["three", "two", "one"]
        assert world.sources.unready() == ()

    play(story)


def test_an_integration_that_cannot_be_shown_costs_its_row_and_not_the_reload(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(world: World) -> None:
        real = Page._prepare

        def fail(page: Page, view: View) -> object:
            if view.integration.workspace == "three":
                raise ZeroDivisionError("a defect")
            return real(page, view)

        monkeypatch.setattr(Page, "_prepare", fail)
        world.wanted = world.config("three", "two", "one", interval=30)
        assert await world.reloader.reload() is None
        await asyncio.sleep(120)
        page = page_bytes(world.exporter.page, world.clock.now()).decode()
        shown = [name for name in ("one", "two", "three") if f'integration_info{{workspace="{name}"' in page]
        assert shown == ["one", "two"]
        assert world.lines.getvalue().count("integration cannot be shown") == 1

    play(story)


def test_every_moment_of_a_reload_shows_all_workspaces_and_is_ready(play: Play) -> None:
    async def story(world: World) -> None:
        world.wanted = world.config("one", "two", interval=30)
        reload = asyncio.create_task(world.reloader.reload())
        moments = 0
        while not reload.done():
            up, names, unhealthy, unready, _ = await world.shown()
            assert (len([line for line in up if "up{" in line]), names, unhealthy, unready) == (  # type: ignore[attr-defined]
                2,
                ["one", "two"],
                (),
                (),
            )
            moments += 1
            await asyncio.sleep(0 if moments % 20 else 0.1)
        assert moments > 20
        assert await reload is None

    play(story)


def test_a_poll_of_the_old_configuration_changes_nothing_after_the_new_one_is_there(play: Play) -> None:
    async def story(world: World) -> None:
        world.exporter.apply(world.config("one"))
        await asyncio.sleep(0)
        names = {line.split('workspace="')[1][:3] for line in (await world.shown())[0]}  # type: ignore[attr-defined]
        await asyncio.sleep(100)
        assert names == {line.split('workspace="')[1][:3] for line in (await world.shown())[0]} == {"one"}  # type: ignore[attr-defined]

    play(story)


@pytest.mark.parametrize("after", [0.0, 0.5, 1.0])
def test_a_stop_in_the_middle_of_a_reload_stops_everything(play: Play, after: float) -> None:
    async def story(world: World) -> None:
        world.wanted = world.config("one", "two", "three", interval=30)
        reload = asyncio.create_task(world.reloader.reload())
        await asyncio.sleep(after)
        await world.exporter.close()
        await reload
        assert len(asyncio.all_tasks()) == 1
        assert await world.requests_in_ten_minutes() == 0

    play(story)


def test_automatic_reloads_go_on_after_one_that_failed(
    play: Play, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It needs no other change of the file: what failed may be well by then."""

    async def story(world: World) -> None:
        watching = asyncio.create_task(world.reloader.watch(10))
        with monkeypatch.context() as patched:
            fails_at(patched, composition, "build_sender", 1)
            world.wanted = world.config("three")
            (tmp_path / "config.yaml").write_text("# once")
            await asyncio.sleep(15)
            assert len(world.exporter.pollers) == 2
            assert "configuration not reloaded" in world.lines.getvalue()
            await asyncio.sleep(15)
        assert [poller.settings.name for poller in world.exporter.pollers] == ["three"]
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    play(story)


def test_a_rejected_file_is_tried_again_until_what_it_names_has_come(
    play: Play, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Kubernetes updates a ConfigMap and the Secret that it names up to two minutes apart, in either order."""
    names = [tmp_path / "certificate", tmp_path / "key"]

    async def story(world: World) -> None:
        async def load(_worker: object, _job: object) -> Config:
            for name in names:
                if not name.exists():
                    raise ConfigError([FieldError("config.yaml", 3, "api_key_file", f"{name.name} does not exist", "")])
            return world.config("one", "two", "three")

        def logged(event: str) -> int:
            return world.lines.getvalue().count(event)

        monkeypatch.setattr(Worker, "run", load)
        (tmp_path / "config.yaml").write_text("changed")
        watching = asyncio.create_task(world.reloader.watch(30))
        before = await world.shown()
        for rejected, name in enumerate(names, start=1):
            await asyncio.sleep(600)
            assert await world.shown() == before
            assert logged("configuration not reloaded") == rejected  # for each reason once
            name.touch()
        await asyncio.sleep(600)
        assert logged("configuration reloaded") == 1
        assert [workspace.name for workspace in (await world.sources.status()).workspaces] == ["one", "two", "three"]
        names[0].unlink()  # what is not read again rejects nothing
        await asyncio.sleep(600)
        assert (logged("configuration reloaded"), logged("configuration not reloaded")) == (1, 2)
        assert await world.reloader.reload() is not None
        assert await world.reloader.reload() is not None
        assert logged("configuration not reloaded") == 4  # who asks gets to know
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    play(story)


def test_a_renewed_file_of_authorities_is_noticed_and_what_is_wrong_with_it_logged_once(
    play: Play, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("old")
    network = build_network(None, None, file.name, tmp_path, Defaults())

    async def story(world: World) -> None:
        async def load(_worker: object, _job: object) -> Config:
            if file.read_text() != "new":
                raise ConfigError([FieldError("config.yaml", 1, "network.ca_file", "contains no certificate", "")])
            return world.config("one", "two")

        def logged() -> tuple[int, int]:
            lines = world.lines.getvalue()
            return lines.count("configuration reloaded"), lines.count("configuration not reloaded")

        monkeypatch.setattr(Worker, "run", load)
        running = world.reloader.config
        named = (replace(workspace, network=network) for workspace in running.workspaces)
        world.reloader.config = replace(running, workspaces=tuple(named))
        watching = asyncio.create_task(world.reloader.watch(30))
        for content, expected in (("old", (0, 0)), ("half a certif", (0, 1)), ("new", (1, 1))):
            file.write_text(content)
            await asyncio.sleep(600)
            assert logged() == expected
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    play(story)
