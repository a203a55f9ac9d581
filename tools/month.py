"""
A simulated month for pictures: a Braze, and the exporter that watches it, in virtual time.

It leaves the exporter's pages as they are at the end, and samples for a Prometheus: of the last half day everything
that dashboards and rules read, once a minute; of the time before one integration only, every half hour, which is as
dense as a month can be drawn.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, TextIO

from starlette.datastructures import QueryParams

from exporter.app.sources import build_sources
from exporter.braze.endpoints import Endpoint
from exporter.config.endpoint import dashboard_of
from exporter.domain.model import Integration
from exporter.domain.settings import PollSettings
from exporter.simulator.behaviour import Scale
from exporter.simulator.integration import Profile
from exporter.simulator.schedule import Schedule, every, on_arrival
from exporter.web.integration_page import IntegrationPage
from exporter.web.selection import read_selection
from exporter.web.status_page import StatusPage
from exporter.web.view import WebSources
from tests.polling import WORKSPACE, Polling
from tests.virtual_time import VirtualClock, run
from tests.world import World

MONTH, LAST = timedelta(days=30), timedelta(hours=12)
SELDOM, OFTEN = timedelta(minutes=30), timedelta(minutes=1)
GRAFANA = "https://grafana.example.org"
DRAWN = "newsletter_consent"
"""The integration that is shown in depth."""
TARGET = 'job="braze-cdi-exporter",instance="exporter:10273"'
_HOUR = timedelta(hours=1)
_STARTED = "process_start_time_seconds"
_STEADY = Scale(seconds=(40, 60), rows=(1800, 2200))
_MANY = Scale(seconds=(300, 480), rows=(40_000, 60_000))
_WORKSPACES = (WORKSPACE, "marketing-eu", "crm")


@dataclass(frozen=True, slots=True)
class Character:
    """An integration, and what goes wrong with it: problems with how long before the end each begins and ends."""

    workspace: str
    name: str
    team: str
    schedule: Schedule
    scale: Scale = _STEADY
    warehouse: str = "snowflake"
    behaviour: str = "healthy"
    problems: Collection[tuple[str, timedelta, timedelta]] = ()


def _hours(before: float, until: float = 0) -> tuple[timedelta, timedelta]:
    return before * _HOUR, until * _HOUR


CHARACTERS = (
    Character("production", "users_daily_profile", "core", every(days=1), _MANY),
    Character("production", "purchases", "shop", every(minutes=30, delay=(0, 20)), behaviour="ordinary"),
    Character(
        "production",
        DRAWN,
        "crm",
        every(hours=1, delay=(0, 30), phase=_HOUR / 3),
        problems=(
            ("error", *_hours(400, 394)),
            ("slow", *_hours(250, 226)),
            ("few_rows", *_hours(120, 110)),
            ("partial", *_hours(5)),
        ),
    ),
    Character(
        "production", "loyalty_points", "crm", every(hours=1, phase=_HOUR / 4), problems=(("error", *_hours(3)),)
    ),
    Character("production", "churn_scores", "data", every(hours=6), _MANY, problems=(("config_error", *_hours(30)),)),
    Character("production", "product_catalog", "shop", every(hours=6), problems=(("never_finishes", *_hours(9)),)),
    Character("production", "birthday_offers", "crm", every(days=1, phase=7 * _HOUR)),
    Character("marketing-eu", "affinity_scores", "data", every(hours=1, phase=_HOUR / 5), warehouse="bigquery"),
    Character("marketing-eu", "gift_cards", "shop", every(hours=2)),
    Character("marketing-eu", "store_visits", "shop", every(hours=1), problems=(("future_watermark", *_hours(33)),)),
    Character("marketing-eu", "order_refunds", "shop", every(hours=1), problems=(("silent_stop", *_hours(6)),)),
    Character("marketing-eu", "app_events_s3", "app", on_arrival(_HOUR / 2), warehouse="s3", behaviour="event_driven"),
    Character("marketing-eu", "winback_audience", "crm", every(hours=6), problems=(("paused", *_hours(70)),)),
    Character("crm", "email_clicks", "crm", every(days=1, phase=5 * _HOUR), warehouse="bigquery"),
    Character("crm", "web_sessions", "app", every(hours=1), problems=(("http_500", *_hours(3)),)),
    Character("crm", "ltv_scores", "data", every(hours=6), problems=(("slow", *_hours(14)),)),
    Character("crm", "push_tokens", "app", every(hours=1)),
)


@dataclass
class Month:
    """The end of it."""

    now: datetime
    pages: Mapping[str, bytes]
    """HTML of the front page, `/`, and of the integration `DRAWN`."""


def play(now: datetime, read: Collection[str], seldom: TextIO, often: TextIO) -> Month:
    """Let the month before *now* pass; samples of the metrics in *read* are written to the two files."""

    async def main(clock: VirtualClock) -> Month:
        braze = Polling(clock)
        ids = dict(_populate(braze.world))
        happening = asyncio.create_task(_happen(braze, ids, now))
        _watch(braze, {DRAWN: ids[DRAWN]}, SELDOM)
        sources = _sources(braze)
        while clock.now() < now - LAST:
            await _until(clock, SELDOM)
            await _scrape(sources, clock.now(), read, f'integration_id="{ids[DRAWN]}"', seldom)
        await braze.restart()
        _watch(braze, ids, OFTEN)
        braze.self_metrics.config_loaded(successful=True, at_seconds=clock.now().timestamp())
        braze.self_metrics.state_persistent(True)
        sources = _sources(braze)
        while clock.now() < now:
            await _until(clock, OFTEN)
            await _scrape(sources, clock.now(), read, "", often)
        await happening
        integration = sources.integration(f"{WORKSPACE}/{ids[DRAWN]}")
        if integration is None:
            raise LookupError(f"the exporter does not watch {DRAWN}")
        page = StatusPage(telemetry_path="/metrics").render(await sources.status(), read_selection(QueryParams()))
        await braze.stop()
        return Month(now, {"/": page, DRAWN: IntegrationPage().render(integration, MONTH.days, "../../")})

    return run(main, start=now - MONTH)


def _populate(world: World) -> Iterator[tuple[str, str]]:
    """Give each integration's name and id."""
    for name in _WORKSPACES:
        if name not in world.workspaces:
            world.add_workspace(name)
    for each in CHARACTERS:
        yield (
            each.name,
            world.add_integration(
                each.workspace,
                each.name,
                behaviour=each.behaviour,
                schedule=each.schedule,
                scale=each.scale,
                profile=Profile(each.warehouse),
                history=MONTH,
            ),
        )


async def _happen(braze: Polling, ids: Mapping[str, str], now: datetime) -> None:
    """Let problems begin and end."""
    turns = [
        (now - before, problem, ids[each.name], begins)
        for each in CHARACTERS
        for problem, began, ended in each.problems
        for before, begins in ((began, True), (ended, False))
        if before
    ]
    for at, problem, integration_id, begins in sorted(turns):
        await asyncio.sleep(max(0.0, (at - braze.clock.now()).total_seconds()))
        braze.world.advance(at)
        if problem.startswith("http_"):
            braze.world.faults.add(problem, endpoint=Endpoint.JOB_SYNC_STATUS, integration_id=integration_id)
        elif begins:
            braze.world.switch(problem, integration_id)
        else:
            braze.world.clear(problem, integration_id)


def _watch(braze: Polling, ids: Mapping[str, str], interval: timedelta) -> None:
    poll = PollSettings(interval.total_seconds(), stale_after_seconds=10 * interval.total_seconds())
    for workspace in _WORKSPACES:
        own = [each for each in CHARACTERS if each.workspace == workspace and each.name in ids]
        configured = [Integration(workspace, ids[each.name], each.name, (("team", each.team),)) for each in own]
        if configured:
            poller = braze.watch(workspace, configured=configured, poll=poll, history=2 * MONTH, grafana_url=GRAFANA)
            braze.self_metrics.workspace_info(workspace, dashboard_of(poller.settings))


async def _until(clock: VirtualClock, interval: timedelta) -> None:
    """Wait for the next multiple of *interval*."""
    seconds = interval.total_seconds()
    await asyncio.sleep(seconds - clock.now().timestamp() % seconds)


async def _scrape(sources: WebSources, now: datetime, read: Collection[str], only: str, to: TextIO) -> None:
    at = round(now.timestamp())
    page = b"".join(sources.render(openmetrics=False).chunks).decode()
    for line in page.splitlines():
        series, _, value = line.rpartition(" ")
        name, _, labels = series.rstrip("}").partition("{")
        if not line.startswith(("#", _STARTED)) and only in labels and name in read:
            to.write(f"{name}{{{TARGET}{',' if labels else ''}{labels}}} {value} {at}\n")
    if not only:
        own = {"up": 1, "scrape_duration_seconds": 0.012, _STARTED: (await sources.status()).started_at.timestamp()}
        to.writelines(f"{name}{{{TARGET}}} {value} {at}\n" for name, value in own.items())


def _sources(braze: Polling) -> WebSources:
    """As `app` makes them of an exporter."""
    pollers = braze.pollers
    exporter: Any = SimpleNamespace(
        pollers=pollers,
        page=braze.page,
        braze_times=lambda: {poller.settings.name: poller.clock.now() for poller in pollers},
        unhealthy=tuple,
        begun=asyncio.Event(),
    )
    return build_sources(exporter, braze.clock, str, None)
