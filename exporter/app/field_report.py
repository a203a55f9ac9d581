"""
The command `check --online --report`: reads of Braze what a field report needs, and remembers each answer.

Decides which pages are asked for, with at most `MOST_REQUESTS` requests in all, each through the door that the daemon
uses. What the answers mean is for `domain/field_report.py`.
"""

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from exporter.app.commands import open_api
from exporter.braze.api import Api, Fetched, Pages
from exporter.braze.wire import Request, Response, Sender
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.decode import DecodedSyncs
from exporter.domain.errors import AuthError, PollError
from exporter.domain.field_evidence import FieldAnswer
from exporter.domain.field_report import render_report
from exporter.domain.listing import DecodedListing, ListedIntegration

MOST_REQUESTS = 30
_LIST_PAGES = 4
_SECOND_PAGES = 4

AnyPages = Pages[DecodedSyncs] | Pages[DecodedListing]


async def field_report(config: Config) -> str:
    """
    Ask Braze and return the report.

    Raises:
        ReportLeaksError: It would show a text that was read.

    """
    answers: list[FieldAnswer] = []
    private: list[str] = []
    left = MOST_REQUESTS
    for number, configured in enumerate(config.workspaces):
        settings = configured.settings
        private += [settings.name, settings.rest_endpoint, settings.dashboard_url, settings.grafana_url]
        private += _key(configured)
        private += [text for one in settings.integrations for text in (one.integration_id, one.integration_name)]
        reader = Reader(settings.name, left // (len(config.workspaces) - number))
        left -= reader.budget
        async with open_api(configured, reader.record) as api:
            await reader.read(api, [one.integration_id for one in settings.integrations])
        left += reader.budget
        answers += reader.answers
    return render_report(answers, private)


def _key(configured: ConfiguredWorkspace) -> list[str]:
    try:
        return [configured.key.read()]
    except AuthError:
        return []  # none can be read, so none is sent


@dataclass
class _Recorder:
    """Sends, and keeps request and response of each answer."""

    sender: Sender
    kept: list[tuple[Request, Response]]

    async def send(self, request: Request) -> Response:
        response = await self.sender.send(request)
        self.kept.append((request, response))
        return response


@dataclass
class Reader:
    """Reads one workspace with at most *budget* requests."""

    workspace: str
    budget: int
    answers: list[FieldAnswer] = field(default_factory=list)
    _kept: list[tuple[Request, Response]] = field(default_factory=list)

    def record(self, sender: Sender) -> Sender:
        return _Recorder(sender, self._kept)

    async def read(self, api: Api, configured: list[str]) -> None:
        """Read the list, the pages of unlike integrations, the list again, and some of the pages again."""
        listed: list[ListedIntegration] = []
        pages = api.integrations()
        for number in range(_LIST_PAGES):
            page = await self._next(api, pages, page=number)
            listed += page.decoded.integrations if page is not None else ()
            if page is None or page.last:
                break
        ids = list(dict.fromkeys((*_unlike(listed), *configured)))[: max(1, self.budget // 2)]
        further: list[tuple[str, Pages[DecodedSyncs]]] = []
        for one in ids:
            syncs = api.syncs(one)
            first = await self._next(api, syncs, one)
            if first is not None and not first.last:
                further.append((one, syncs))
        for one, syncs in further[:_SECOND_PAGES]:
            await self._next(api, syncs, one, page=1)
        await self._next(api, api.integrations())
        for one in ids:
            await self._next(api, api.syncs(one), one)

    async def _next(self, api: Api, pages: AnyPages, integration_id: str = "", *, page: int = 0) -> Fetched[Any] | None:
        """Read a page within the budget; None where it did not come. An answer of any status is kept."""
        if self.budget <= 0:
            return None
        self.budget -= 1
        fetched = None
        with contextlib.suppress(PollError):  # which answer there was instead is evidence as well
            fetched = await pages.read()
        for _, response in self._kept:
            answer = (response.status, response.headers, _json(response.body))
            self.answers.append(FieldAnswer((self.workspace, integration_id), page, api.clock.now(), *answer))
        self._kept.clear()
        return fetched


def _unlike(listed: Iterable[ListedIntegration]) -> list[str]:
    """Return the ids, those first whose status or type none before has."""
    first: dict[tuple[object, ...], str] = {}
    for one in listed:
        kind = (one.last_job_status, one.integration_status, one.integration_type, one.next_scheduled_run is None)
        first.setdefault(kind, one.integration_id)
    return [*first.values(), *(one.integration_id for one in listed)]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
