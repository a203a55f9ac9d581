"""An integration with ninety days of hourly syncs, of which a few went wrong, as its page and JSON get it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import pi, sin

from exporter.domain.asked import LISTING, Asked
from exporter.domain.detail import Detail
from exporter.domain.expected_run import ExpectedRun
from exporter.domain.integration_state import IntegrationState, Session, Watch
from exporter.domain.learned import learn_past
from exporter.domain.ledger import Ledger
from exporter.domain.limits import Sensitivity
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, Polls, Sync, SyncStatus, Totals
from exporter.domain.past import Past
from exporter.domain.settings import PollSettings
from exporter.domain.summary import summarize
from exporter.domain.view import build_view
from exporter.web.view import IntegrationStatus
from tests.unit.web.samples import NOW, ago, workspace

HOURS = 90 * 24


def hourly(place: int) -> Sync:
    """The sync *place* hours ago: more rows by day than by night, some failed, one ten times as long."""
    start = ago(minutes=40) - timedelta(hours=place)
    rows = round(1200 + 900 * sin(2 * pi * start.hour / 24)) + place % 17
    status = {3: "error", 30: "partial", 700: "config_error"}.get(place, "success")
    failed = status in {"error", "config_error"}
    return Sync(
        start,
        SyncStatus(status),
        start + timedelta(seconds=(1200 if place == 50 else 120) + place % 11),
        start - timedelta(minutes=4),
        0 if failed else rows,
        rows // 5 if status == "partial" else 0,
    )


def deep(
    name: str = "users",
    syncs: Sequence[Sync] = tuple(map(hourly, range(HOURS))),
    *,
    expected: ExpectedRun | None = None,
    space: str = "production",
) -> IntegrationStatus:
    """An integration that learned from *syncs*, latest first, and was asked about 20 s ago."""
    past = Past().extend(syncs)
    learned = learn_past(past.runs, NOW, Sensitivity.MEDIUM)
    listed = ListedIntegration("abc", name, integration_status="active", warehouse_type="snowflake")
    ledger = Ledger(ago(days=90), ago(hours=1), tuple(syncs[:20]), totals=Totals())
    state = IntegrationState(
        ago(days=3),
        ledger,
        listed,
        expected,
        judged_at=ago(seconds=20),
        polls=Polls(ago(seconds=20), ago(seconds=20)),
        summary=summarize(ledger, listed),
        session=Session(listed_at=0.0),
    )
    watch = Watch(Integration(space, "abc", name), PollSettings(), learned)
    view = build_view(state, watch)
    asked = Asked(ago(seconds=20), "job_sync_status", 1, "200", 0.0825, 77, 100, "the list shows a newer start")
    listing = asked._replace(endpoint="integrations", why=LISTING)
    detail = Detail(state, view, watch, past, (asked,), (listing,))
    return IntegrationStatus(NOW, workspace(space, [view]), detail)


def with_detail(status: IntegrationStatus, **changes: object) -> IntegrationStatus:
    detail: Detail = replace(status.detail, **changes)  # type: ignore[arg-type]  # keywords by name
    return replace(status, detail=detail)
