"""
What was read of Braze for a field report, sorted for the questions that `domain/assumptions.py` asks.

Answers come as JSON values with their headers, in the order of asking. Records stay as Braze sent them: what is odd
about them is the question. A record that is no object, and an answer other than 200, is only counted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from types import NoneType
from typing import Any

from exporter.domain.decode import decode_results, decode_status, decode_time
from exporter.domain.model import SyncStatus

Record = Mapping[str, Any]
SAME_MOMENT = timedelta(seconds=1)
"""Two pages may give the same time with more or fewer digits."""


@dataclass(frozen=True, slots=True)
class FieldAnswer:
    """
    One answer of Braze.

    Args:
        integration: Workspace and integration id; the id is empty for a page of the list.
        page: From 0, in the order of one walk.
        at: When the answer had come, on Braze's clock.
        headers: With lower-case names.
        body: A JSON value; None where there was none.

    """

    integration: tuple[str, str]
    page: int
    at: datetime
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def is_list(self) -> bool:
        return not self.integration[1]

    @property
    def good(self) -> bool:
        return self.status == _OK

    @property
    def records(self) -> list[Record]:
        results = decode_results(self.body)[0] if self.good else []
        return [record for record in results if isinstance(record, dict)]

    @property
    def starts(self) -> list[datetime]:
        """Of the syncs on a status page, in Braze's order."""
        return [start for record in self.records if (start := time_in(record, "sync_start_time")) is not None]


_OK = 200


@dataclass(frozen=True, slots=True)
class Pair:
    """An integration as the list shows it, and the first page of its own endpoint that was read next."""

    listed: Record
    listed_at: datetime
    page: FieldAnswer


@dataclass(frozen=True)
class Evidence:
    """All answers of one report, in the order of asking."""

    answers: tuple[FieldAnswer, ...]

    @cached_property
    def status_pages(self) -> list[FieldAnswer]:
        return [answer for answer in self.answers if answer.good and not answer.is_list]

    @cached_property
    def list_pages(self) -> list[FieldAnswer]:
        return [answer for answer in self.answers if answer.good and answer.is_list]

    @cached_property
    def listed(self) -> list[Record]:
        """Each integration as the list showed it first."""
        found: dict[tuple[str, str], Record] = {}
        for answer in self.list_pages:
            for record in answer.records:
                found.setdefault((answer.integration[0], str(record.get("integration_id"))), record)
        return list(found.values())

    @cached_property
    def syncs(self) -> list[Record]:
        """Each sync as its page showed it first."""
        found: dict[tuple[tuple[str, str], str], Record] = {}
        for answer in self.status_pages:
            for record in answer.records:
                found.setdefault((answer.integration, repr(record.get("sync_start_time"))), record)
        return list(found.values())

    def following(self) -> Iterator[tuple[FieldAnswer, FieldAnswer]]:
        """Return each status page with the page that came after it in the same walk."""
        before: dict[tuple[str, str], FieldAnswer] = {}
        for answer in self.status_pages:
            last = before.get(answer.integration)
            if last is not None and answer.page == last.page + 1:
                yield last, answer
            before[answer.integration] = answer

    def repeated(self) -> Iterator[tuple[FieldAnswer, FieldAnswer]]:
        """Return each first status page with the first page of the same integration that was read later."""
        before: dict[tuple[str, str], FieldAnswer] = {}
        for answer in self.status_pages:
            if answer.page == 0:
                if answer.integration in before:
                    yield before[answer.integration], answer
                before[answer.integration] = answer

    def relisted(self) -> Iterator[tuple[Record, Record, datetime]]:
        """Return each listed integration, the same as listed later, and when."""
        before: dict[tuple[str, str], Record] = {}
        for answer in self.list_pages:
            for record in answer.records:
                key = (answer.integration[0], str(record.get("integration_id")))
                if key in before:
                    yield before[key], record, answer.at
                before[key] = record

    def pairs(self) -> Iterator[Pair]:
        """Return each status page that was read after its integration was listed, with the latest listing before it."""
        known: dict[tuple[str, str], tuple[Record, datetime]] = {}
        for answer in self.answers:
            if answer.is_list:
                for record in answer.records:
                    known[answer.integration[0], str(record.get("integration_id"))] = record, answer.at
            elif answer.good and answer.page == 0 and answer.integration in known:
                yield Pair(*known.pop(answer.integration), answer)


def time_in(record: Record, name: str) -> datetime | None:
    """Return a time of a record, None where it has none that can be read."""
    return decode_time(record, name, Counter())


def status_in(record: Record, name: str = "job_status") -> SyncStatus:
    """Return the status that the record's word means."""
    return decode_status(record.get(name), name, Counter())


def kind_of(record: Record, name: str) -> str:
    """Return the JSON type of a field, or `missing`."""
    return _KINDS[type(record[name])] if name in record else "missing"


_KINDS: Mapping[type, str] = {
    NoneType: "null",
    bool: "boolean",
    str: "string",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
}
