"""
The responses of the simulated Braze, as values: errors, and the two pages of ten as documented, latest sync first.

A rendered page is kept until the history behind it changes, so that asking a quiet integration costs microseconds.
Paging is by offset: a sync that starts between two requests shifts the items, as it does at Braze.
Sources: "Get job sync status" and "List integrations" of Braze's CDI API (read 2026).
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from exporter.braze.endpoints import Endpoint
from exporter.domain.model import Sync
from exporter.simulator.integration import SimulatedIntegration
from exporter.simulator.style import Style, render_time


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers with lower-case names, and body."""

    status: int
    headers: dict[str, str]
    body: bytes


JSON = {"content-type": "application/json; charset=utf-8"}


def refuse(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    """Return an error as Braze words it: a JSON object with a message."""
    return Answer(status, {**JSON, **(headers or {})}, json.dumps({"message": message}).encode())


PAGE_SIZE = 10
_MAX_RECORDS = 20_000
_OTHER_HOST = "https://rest.elsewhere.example"


def render_cursor(offset: int) -> str:
    """Return the opaque cursor of a page."""
    return base64.b64encode(f"skip:{offset}".encode()).decode()


def decipher_cursor(cursor: str) -> int:
    """
    Return a cursor's offset.

    Raises:
        ValueError: It is not one of ours.

    """
    try:
        text = base64.b64decode(cursor, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("Invalid cursor") from error
    word, _, digits = text.partition(":")
    if word != "skip" or not digits.isdigit():
        raise ValueError("Invalid cursor")
    return int(digits)


def render_link(path: str, broken_path: str, offset: int, total: int, style: Style) -> str | None:
    """
    Return the `Link` header of a page, or None where there is only one.

    The documented form has no space after the comma, and its second target lacks a slash (*broken_path*).
    """
    targets = []
    if offset > 0:
        targets.append(("prev", max(0, offset - PAGE_SIZE)))
    if offset + PAGE_SIZE < total:
        targets.append(("next", offset + PAGE_SIZE))
    if total <= PAGE_SIZE or not targets:
        return None
    paths = [path, broken_path] if style.link == "documented" else [path, path]
    host = _OTHER_HOST if style.link == "absolute" else ""
    links = [
        f'<{host}{to}?cursor={render_cursor(skip)}>; rel="{rel}"'
        for to, (rel, skip) in zip(paths, targets, strict=False)
    ]
    return ("," if style.link == "documented" else ", ").join(links)


def sync_record(sync: Sync, word: str, style: Style) -> dict[str, Any]:
    """Return one sync as Braze writes it; *word* is Braze's status."""
    times = (sync.sync_start_time, sync.sync_finish_time, sync.last_timestamp_synced)
    started, finished, watermark = (None if at is None else render_time(at, style) for at in times)
    record = {
        "job_status": word.capitalize() if style.capitalised and " " not in word else word,
        "sync_start_time": started,
        "sync_finish_time": finished,
        "last_timestamp_synced": watermark,
        "rows_synced": sync.rows_synced,
        "rows_failed_with_errors": sync.rows_failed_with_errors,
    }
    return record if style.unknown == "null" else {name: value for name, value in record.items() if value is not None}


def integration_record(integration: SimulatedIntegration, style: Style) -> dict[str, Any]:
    """Return one integration as the list writes it."""
    latest = integration.syncs[-1] if integration.syncs else None
    word = integration.words[-1] if latest is not None else None
    if word is not None and style.capitalised and " " not in word:
        word = word.capitalize()
    times = (
        integration.watermark,
        latest.sync_start_time if latest else None,
        integration.next_scheduled_run,
    )
    updated, started, scheduled = (None if at is None else render_time(at, style) for at in times)
    record = {
        "integration_id": integration.integration_id,
        "app_group_id": integration.profile.app_group_id,
        "integration_name": integration.name,
        "integration_type": integration.profile.warehouse_type,
        "integration_status": integration.status,
        "contact_emails": integration.profile.contact_emails,
        "last_updated_at": updated,
        "warehouse_type": integration.profile.warehouse_type,
        "last_job_start_time": started,
        "last_job_status": word,
        "next_scheduled_run": scheduled,
    }
    return record if style.unknown == "null" else {name: value for name, value in record.items() if value is not None}


def _on_page(total: int, offset: int, style: Style) -> list[int]:
    """Return which of an integration's syncs, oldest first from 0, are on a page."""
    if style.order == "oldest first":
        return list(range(offset, min(total, offset + PAGE_SIZE)))
    last = total - 1 - offset
    numbers = list(range(last, max(-1, last - PAGE_SIZE), -1))
    return numbers[1::2] + numbers[::2] if style.order == "jumbled" else numbers


class PageCache:
    """Rendered pages of a world, each with the version of the history that it shows."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._status: dict[tuple[str, int], tuple[int, Answer]] = {}
        self._list: dict[tuple[str, int], tuple[tuple[object, ...], Answer]] = {}
        self._entries: dict[str, tuple[int, str, str]] = {}
        self._records: dict[tuple[str, Sync], str] = {}

    def status_page(self, integration: SimulatedIntegration, offset: int) -> Answer:
        """Return a page of an integration's syncs, as of the last `catch_up`."""
        key = (integration.integration_id, offset)
        cached = self._status.get(key)
        if cached is not None and cached[0] == integration.version:
            return cached[1]
        total = len(integration.syncs)
        numbers = _on_page(total, offset, self._style)
        records = [self._record(integration.syncs[number], integration.words[number]) for number in numbers]
        path = f"/cdi/integrations/{integration.integration_id}/{Endpoint.JOB_SYNC_STATUS}"
        broken = f"/cdi/integrations{integration.integration_id}/{Endpoint.JOB_SYNC_STATUS}"
        answer = _page(records, render_link(path, broken, offset, total, self._style))
        self._status[key] = (integration.version, answer)
        return answer

    def list_page(
        self, workspace: str, integrations: list[SimulatedIntegration], offset: int, total: int, list_version: int
    ) -> Answer:
        """Return a page of a workspace's integrations; *integrations* are the ones on it, caught up."""
        key = (workspace, offset)
        shown = (list_version, *(integration.version for integration in integrations))
        cached = self._list.get(key)
        if cached is not None and cached[0] == shown:
            return cached[1]
        path = "/cdi/integrations"
        records = [self._entry(integration) for integration in integrations]
        answer = _page(records, render_link(path, path, offset, total, self._style))
        self._list[key] = (shown, answer)
        return answer

    def _record(self, sync: Sync, word: str) -> str:
        """A record is rendered ten times on its way down the page, so its text is kept, within bounds."""
        text = self._records.get((word, sync))
        if text is None:
            if len(self._records) >= _MAX_RECORDS:
                self._records.clear()
            text = self._records[word, sync] = json.dumps(sync_record(sync, word, self._style))
        return text

    def _entry(self, integration: SimulatedIntegration) -> str:
        cached = self._entries.get(integration.integration_id)
        if cached is not None and cached[:2] == (integration.version, integration.name):
            return cached[2]
        text = json.dumps(integration_record(integration, self._style))
        self._entries[integration.integration_id] = (integration.version, integration.name, text)
        return text


def _page(records: list[str], link: str | None) -> Answer:
    body = '{"results": [' + ", ".join(records) + '], "message": "success"}'
    return Answer(200, JSON if link is None else {**JSON, "link": link}, body.encode())
