"""The status is collected workspace by workspace, and yields to the event loop in between."""

import asyncio
import io

import pytest

from exporter.app import sources
from exporter.app.exporter import Exporter
from exporter.config.keys import FixedKey
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.model import Integration
from exporter.domain.settings import WorkspaceSettings
from exporter.log import build_log
from exporter.metrics.self_metrics import SelfMetrics
from exporter.state.store import MemoryStore
from tests.unit.web.samples import NOW
from tests.virtual_time import VirtualClock, run


@pytest.mark.parametrize(("at_a_time", "turns"), [(1, 8), (2, 4), (3, 2), (100, 0)])
def test_others_have_a_turn_after_so_many_integrations(
    monkeypatch: pytest.MonkeyPatch, at_a_time: int, turns: int
) -> None:
    async def look(clock: VirtualClock) -> int:
        log = build_log("error", "logfmt", io.StringIO())
        exporter = Exporter(store=MemoryStore(), self_metrics=SelfMetrics(), clock=clock, log=log)
        workspaces = [
            WorkspaceSettings(name, "https://rest.iad-03.braze.com", integrations=(Integration(name, "a", "a"),))
            for name in "abcdefgh"
        ]
        config = Config(tuple(ConfiguredWorkspace(one, FixedKey("not-a-real-key")) for one in workspaces))
        monkeypatch.setattr(Exporter, "pollers", exporter.prepare(config))
        looking = asyncio.ensure_future(sources.build_sources(exporter, clock, str, None).status())
        await asyncio.sleep(0)
        had = 0
        while not looking.done():
            had += 1
            await asyncio.sleep(0)
        status = looking.result()
        assert [one.name for one in status.workspaces] == list("abcdefgh")
        assert [view.integration.integration_id for one in status.workspaces for view in one.views] == ["a"] * 8
        return had

    monkeypatch.setattr(sources, "_AT_A_TIME", at_a_time)
    assert run(look, start=NOW) == turns
