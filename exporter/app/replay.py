"""
`replay`: what would have been reported in the past, with today's configuration, per integration and problem.

The syncs come from the daemon's state and, as far as it does not have them, from Braze, with at most a quarter of the
rate limit. One integration is in memory at a time. `domain/replay.py` judges.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from exporter.app.commands import open_api
from exporter.app.histories import expected_requests, known_integrations, read_past, state_of_the_daemon
from exporter.clock import SystemClock
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.errors import PollError
from exporter.domain.health import UNITS
from exporter.domain.limits import Unit
from exporter.domain.model import Integration
from exporter.domain.past import to_sync
from exporter.domain.replay import Replay, Replayed
from exporter.domain.wording import clip, word_count, word_share, word_span
from exporter.state.pasts import StoredPast
from exporter.state.statefile import StateFile

SHARE = 0.25
"""Of the rate limit: a daemon that polls beside it has the rest."""
_NAME = 60
Say = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What `replay` has found."""

    since: datetime
    until: datetime
    replayed: list[tuple[Integration, Replayed]] = field(default_factory=list)
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    """Workspace, integration id (empty: all that the list would have shown) and reason."""


async def replay_all(
    config: Config, storage_path: str, since_seconds: float, ids: tuple[str, ...], say: Say
) -> Outcome:
    """
    Replay the integrations of *config*.

    Args:
        config: With discovery, also the integrations that the key can see.
        storage_path: Where the daemon keeps its state; only read.
        since_seconds: How far back, from now.
        ids: Only these integrations, where there are any.
        say: Receives the cost, progress, and what could not be read.

    """
    until = SystemClock().now()
    outcome = Outcome(until - timedelta(seconds=since_seconds), until)
    seen: set[str] = set()
    with state_of_the_daemon(storage_path, say) as state:
        for configured in config.workspaces:
            await _workspace(_sparing(configured), state, outcome, ids, say)
    seen.update(one.integration_id for one, _ in outcome.replayed)
    seen.update(integration_id for _, integration_id, _ in outcome.failed)
    outcome.failed += [
        ("", one, "neither the configuration nor Braze's list knows it") for one in ids if one not in seen
    ]
    return outcome


def _sparing(configured: ConfiguredWorkspace) -> ConfiguredWorkspace:
    rate_limit = configured.settings.rate_limit
    less = replace(rate_limit, share=min(SHARE, rate_limit.share))
    return replace(configured, settings=replace(configured.settings, rate_limit=less))


async def _workspace(
    configured: ConfiguredWorkspace, state: StateFile | None, outcome: Outcome, ids: tuple[str, ...], say: Say
) -> None:
    settings = configured.settings
    history = timedelta(seconds=settings.history_seconds)
    async with open_api(configured) as api:
        integrations, listed = await known_integrations(configured, api, say)
        if not listed:
            outcome.failed.append((settings.name, "", "Braze's list could not be read"))
        chosen = [one for one in integrations if not ids or one.integration_id in ids]
        first = outcome.since - history
        costs = [expected_requests(_stored(state, one), outcome.since, first, outcome.until) for one in chosen]
        say(_cost(configured, costs))
        for number, one in enumerate(chosen, 1):
            place = f"{settings.name}: {number} of {len(chosen)}: {clip(one.integration_name, _NAME)}"
            try:
                runs = await read_past(api, one.integration_id, _stored(state, one), outcome.since, first)
            except PollError as error:
                outcome.failed.append((settings.name, one.integration_id, str(error)))
                say(f"{place}: left out: {error}")
                continue
            replayed = Replay(one, list(map(to_sync, runs)), outcome.since, outcome.until, history).run()
            outcome.replayed.append((one, replayed))
            say(f"{place}: {word_count(replayed.syncs, 'sync')}, {word_count(len(replayed.problems), 'problem')}")


def _stored(state: StateFile | None, one: Integration) -> StoredPast:
    return StoredPast() if state is None else state.load_past((one.workspace, one.integration_id))[0]


def _cost(configured: ConfiguredWorkspace, costs: list[int | None]) -> str:
    settings = configured.settings
    known = sum(cost or 1 for cost in costs)
    a_minute = max(1.0, settings.rate_limit.job_sync_status * settings.rate_limit.share)
    unknown = sum(cost is None for cost in costs)
    cost = (
        f"about {known:,}, as the history of {word_count(unknown, 'integration')} is of unknown length"
        if unknown
        else f"{known:,}"
    )
    return f"{settings.name}: requests: {cost}; {word_span(60 * math.ceil(known / a_minute))} at {a_minute:g} a minute"


# What is printed


def render_json(outcome: Outcome) -> str:
    """Contract 8."""
    document = {
        "since": _time(outcome.since),
        "until": _time(outcome.until),
        "integrations": [_integration(one, replayed) for one, replayed in outcome.replayed],
        "failed": [
            {"workspace": workspace, "integration_id": integration_id, "reason": reason}
            for workspace, integration_id, reason in outcome.failed
        ],
    }
    return json.dumps(document, ensure_ascii=True, allow_nan=False)


def _integration(one: Integration, replayed: Replayed) -> dict[str, Any]:
    return {
        "workspace": one.workspace,
        "integration_id": one.integration_id,
        "integration_name": one.integration_name,
        "syncs": replayed.syncs,
        "limits": {name: {"value": limit.value, "source": limit.source.value} for name, limit in replayed.limits},
        "problems": [
            {
                "problem": past.problem.kind,
                "severity": past.problem.severity.word,
                "began_at": _time(past.began_at),
                "ended_at": None if past.ended_at is None else _time(past.ended_at),
                "value": past.problem.value,
                "limit": past.problem.limit,
                "text": past.problem.text,
            }
            for past in replayed.problems
        ],
    }


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


_HEADINGS = ("INTEGRATION", "PROBLEM", "SEVERITY", "FROM (UTC)", "UNTIL (UTC)", "VALUE", "LIMIT")


def table_rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table, the headings first."""
    yield _HEADINGS
    for one, replayed in outcome.replayed:
        for past in replayed.problems:
            kind = past.problem.kind
            yield (
                clip(one.integration_name, _NAME),
                kind,
                past.problem.severity.word,
                f"{past.began_at:%Y-%m-%d %H:%M}",
                "still" if past.ended_at is None else f"{past.ended_at:%Y-%m-%d %H:%M}",
                _number(kind, past.problem.value),
                _number(kind, past.problem.limit),
            )


def summary_rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    """Yield how often each problem would have been reported of each integration, the headings first."""
    yield ("INTEGRATION", "PROBLEM", "TIMES", "CRITICAL")
    for one, replayed in outcome.replayed:
        times = Counter(past.problem.kind for past in replayed.problems)
        critical = Counter(past.problem.kind for past in replayed.problems if past.problem.severity.word == "critical")
        for kind, count in sorted(times.items()):
            yield clip(one.integration_name, _NAME), kind, f"{count:,}", f"{critical[kind]:,}"


def _number(kind: str, value: float | None) -> str:
    if value is None:
        return ""
    unit = UNITS[kind]
    return word_span(value) if unit is Unit.SECONDS else word_share(value) if unit is Unit.SHARE else f"{value:,.0f}"
