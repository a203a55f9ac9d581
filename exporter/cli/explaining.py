"""
`explain`: the document of one integration in words.

Reads only what docs/http.md promises. Everything foreign is made printable by the tables.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import click
from structlog.typing import FilteringBoundLogger

from exporter.app.explain import choose_named, explain_running, explain_stored
from exporter.app.running import THIS_HOST, NoExporterError, RunningExporter
from exporter.cli.tables import in_columns, printable
from exporter.config.load import Config
from exporter.domain.health import UNITS
from exporter.domain.limits import LIMITS, Unit
from exporter.domain.wording import word_count, word_moment, word_share, word_span

_REQUESTS = ("ASKED", "ENDPOINT", "ANSWER", "TOOK", "LEFT", "WHY")
_UNITS = {key.name: key.unit for key in LIMITS}


def run_explain(  # noqa: PLR0917 - the flags
    wanted: str,
    url: str | None,
    form: str,
    load: Callable[[], Config],
    storage_path: str,
    log: FilteringBoundLogger,
) -> bool:
    """
    Print why the integrations with the id or name *wanted* are judged and polled as they are.

    Returns:
        Whether there is one.

    """
    try:
        documents = explain_running(RunningExporter(url or THIS_HOST), wanted)
    except NoExporterError as error:
        click.echo(str(error) if url else f"{error}; reading the state in {storage_path or 'memory'} instead", err=True)
        if url:
            return False
        stored = explain_stored(
            load(), storage_path, choose_named(wanted), lambda text: click.echo(text, err=True), log
        )
        documents = asyncio.run(stored)
    for document in documents:
        click.echo(json.dumps(document) if form == "json" else render_explanation(document))
    if not documents:
        click.echo(f"no integration with the id or name {wanted!r} is watched", err=True)
    return bool(documents)


def render_explanation(document: Mapping[str, Any]) -> str:
    """Return what is known of an integration and why, for people."""
    return "\n\n".join(block for block in _blocks(document) if block)


def _blocks(document: Mapping[str, Any]) -> Iterator[str]:
    one, now = document["integration"], datetime.fromisoformat(document["now"])
    yield printable(f"{one['name']} ({one['id']}) in {document['workspace']}, as of {word_moment(now)}")
    yield "\n".join(map(printable, document["notes"]))
    yield "\n".join(map(_problem, one["problems"])) or "Nothing is wrong."
    yield in_columns(list(_facts(document, now)))
    limits = [_limit(each) for each in one["limits"].items()]
    yield in_columns([("LIMIT", "VALUE", "SOURCE"), *limits]) if limits else "No limits: the integration is gone."
    asked = [*document["requests"], *document["list_requests"]]
    if asked:
        yield in_columns(
            [("ASKED", "ENDPOINT", "ANSWER", "TOOK", "LEFT", "WHY"), *(_request(each, now) for each in asked)]
        )


def _problem(problem: Mapping[str, Any]) -> str:
    known = [
        f"{name} {_figure(UNITS.get(problem['kind'], Unit.COUNT), problem[name])}"
        for name in ("value", "limit")
        if problem[name] is not None
    ]
    if problem["since"]:
        known.append(f"since {word_moment(datetime.fromisoformat(problem['since']))}")
    return printable(f"{problem['severity'].upper()} {problem['kind']}: {problem['text']}") + (
        f"\n  {', '.join(known)}" if known else ""
    )


def _facts(document: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, str]]:
    one, poll, expectation = document["integration"], document["integration"]["poll"], document["expectation"]
    yield "latest sync", _sync(one["latest_sync"], now)
    yield "latest finished sync", _sync(one["latest_finished_sync"], now)
    usual = one["usual"]
    if usual["sync_duration_seconds"] is not None:
        rows = "" if usual["rows_synced"] is None else f", {usual['rows_synced']:,.0f} rows"
        yield (
            "usually",
            f"{word_span(usual['sync_duration_seconds'])}{rows} (learned from {usual['learned_syncs']:,} syncs)",
        )
    expected = one["expected_run_at"] if expectation["by"] else None
    at = f"expected {_at(expected, now)}, " if expected else ""
    deadline = one["start_deadline_at"] if expectation["by"] else None
    by = f"must start by {_at(deadline, now)}, " if deadline else ""
    yield "next sync", f"{at}{by}{'because ' if expectation['by'] else 'not expected: '}{expectation['because']}"
    never = "not yet since the start" if one["limits"] else "no longer"
    state = {True: "succeeding", False: "failing", None: never}[poll["up"]]
    failure = f": {poll['failure']['message']}" if poll["failure"] else ""
    yield "polls", f"{state}{failure}, latest {_at(poll['last_at'], now)}, next {_at(poll['next_at'], now)}"
    yield "data up to", _at(one["last_timestamp_synced"], now)


def _sync(sync: Mapping[str, Any] | None, now: datetime) -> str:
    if sync is None:
        return "none known"
    parts = [sync["job_status"], f"started {_at(sync['sync_start_time'], now)}"]
    if sync["duration_seconds"] is not None:
        parts.append(f"took {word_span(sync['duration_seconds'])}")
    if sync["rows_synced"] is not None:
        parts.append(f"{word_count(sync['rows_synced'], 'row')} synced")
    if sync["rows_failed_with_errors"]:
        parts.append(f"{sync['rows_failed_with_errors']:,} failed")
    return ", ".join(parts)


def _limit(pair: tuple[str, Mapping[str, Any]]) -> tuple[str, str, str]:
    name, limit = pair
    learned = limit["learned_from_syncs"]
    value = "off" if limit["value"] is None else _figure(_UNITS.get(name, Unit.COUNT), limit["value"])
    return name, value, f"{limit['source']}{f' from {learned:,} syncs' if learned else ''}"


def _request(asked: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    left, limit = asked["rate_limit_remaining"], asked["rate_limit"]
    page = f", page {asked['page']}" if asked["page"] > 1 else ""
    return (
        _at(asked["at"], now),
        f"{asked['endpoint']}{page}",
        asked["outcome"],
        f"{asked['seconds'] * 1000:.0f} ms",
        "" if left is None else f"{left}{'' if limit is None else f' of {limit}'}",
        asked["why"],
    )


def _at(text: str | None, now: datetime) -> str:
    if text is None:
        return "not known"
    at = datetime.fromisoformat(text)
    seconds = (now - at).total_seconds()
    age = f"{word_span(seconds)} ago" if seconds >= 0 else f"in {word_span(seconds)}"
    return f"{word_moment(at)} ({age})"


def _figure(unit: Unit, value: float) -> str:
    if unit is Unit.SHARE:
        return word_share(value)
    return word_span(value) if unit is Unit.SECONDS else f"{value:,.0f}"
