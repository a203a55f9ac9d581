"""Whatever a new configuration changes, no minute has more requests than the share of the limit."""

import asyncio
import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from exporter.app.exporter import Exporter
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.errors import NetworkError
from exporter.domain.model import Integration
from exporter.domain.settings import RateLimits, WorkspaceSettings
from exporter.log import build_log
from exporter.metrics.self_metrics import SelfMetrics
from exporter.state.store import MemoryStore
from tests.virtual_time import VirtualClock, run

LIMITS = RateLimits(job_sync_status=30, integrations=20, share=1.0)
BEGINNING = 7
"""Of thirty, the requests that a new limiter allows at once."""


class Unreachable:
    """A key that is read for every request, and then there is no way to Braze."""

    def __init__(self, name: str) -> None:
        self.setting = ("api_key_file", name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unreachable) and self.setting == other.setting

    __hash__ = None  # type: ignore[assignment]

    def read(self) -> str:
        raise NetworkError("no network")


class Noted(SelfMetrics):
    """Notes when requests for integrations were sent, of which none takes time."""

    def __init__(self) -> None:
        super().__init__()
        self.sent_at: list[float] = []

    def request_answered(self, workspace: str, endpoint: str, code: str, seconds: float) -> None:
        super().request_answered(workspace, endpoint, code, seconds)
        if endpoint == "job_sync_status":
            self.sent_at.append(asyncio.get_running_loop().time())


def configured(name: str = "w", limits: RateLimits = LIMITS, key: str = "key", host: str = "iad-03") -> Config:
    integrations = tuple(Integration(name, f"id-{n:02}", f"id-{n:02}") for n in range(60))
    settings = WorkspaceSettings(name, f"https://rest.{host}.braze.com", rate_limit=limits, integrations=integrations)
    return Config((ConfiguredWorkspace(settings, Unreachable(key)),))


def most_in_a_minute(*configs: Config) -> int:
    """Run the first of *configs* until it is settled, then each further one for two seconds, and the last for more."""
    noted = Noted()

    async def main(clock: VirtualClock) -> None:
        log = build_log("info", "logfmt", io.StringIO())
        exporter = Exporter(store=MemoryStore(), self_metrics=noted, clock=clock, log=log)
        for config, seconds in zip(configs, (200, *(2 for _ in configs[2:]), 70), strict=True):
            exporter.apply(config)
            await asyncio.sleep(seconds)
        await exporter.close()

    run(main, start=datetime(2026, 3, 2, 8, tzinfo=UTC))
    return max(sum(start <= at < start + 60 for at in noted.sent_at) for start in noted.sent_at)


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("w", replace(LIMITS, share=0.97)),
        ("w", replace(LIMITS, job_sync_status=29)),
        ("w", replace(LIMITS, integrations=19)),
        ("renamed", LIMITS),
        ("renamed", replace(LIMITS, share=0.97)),
    ],
)
def test_reloads_one_after_the_other_share_one_budget(name: str, limits: RateLimits) -> None:
    before, after = configured(), configured(name, limits)
    assert 25 <= most_in_a_minute(before, after, before, after) <= 30


@pytest.mark.parametrize("other", [{"key": "another"}, {"host": "iad-01"}])
def test_another_name_with_another_key_or_endpoint_is_another_workspace(other: dict[str, str]) -> None:
    assert most_in_a_minute(configured(), configured("another", **other)) >= 30 + BEGINNING  # type: ignore[arg-type]


def test_a_new_limit_holds_from_the_reload_on() -> None:
    lower = replace(LIMITS, job_sync_status=5)
    assert most_in_a_minute(configured(limits=lower), configured()) > 5
    assert most_in_a_minute(configured(limits=lower), configured(limits=replace(LIMITS, job_sync_status=4))) == 5
