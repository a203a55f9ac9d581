"""
The assumptions about the form of Braze's answers: words, fields, times, ids, pages and headers.

Each is a function of the evidence. How answers agree with each other is in `domain/assumptions.py`.
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable
from typing import LiteralString
from urllib.parse import unquote

from exporter.domain.assumptions import has_files
from exporter.domain.field_evidence import Evidence, FieldAnswer, Record, kind_of, status_in, time_in
from exporter.domain.finding import NOT_SEEN, Finding, Line, Verdict, is_documented, judge, share, tally
from exporter.domain.masks import mask, render_count
from exporter.domain.model import SyncStatus

_STATUS_FIELDS = (
    "job_status",
    "sync_start_time",
    "sync_finish_time",
    "last_timestamp_synced",
    "rows_synced",
    "rows_failed_with_errors",
)
_LIST_FIELDS = (
    "integration_id",
    "app_group_id",
    "integration_name",
    "integration_type",
    "integration_status",
    "contact_emails",
    "last_updated_at",
    "warehouse_type",
    "last_job_start_time",
    "last_job_status",
    "next_scheduled_run",
)
_TIMES = ("sync_start_time", "sync_finish_time", "last_timestamp_synced", "last_updated_at", "last_job_start_time")
_CACHING = ("cache-control", "age", "etag", "expires", "last-modified", "via", "x-cache", "cf-cache-status")
_RATE = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
_DOCUMENTED_LIMITS = {"job_sync_status": "100", "integrations": "50"}
_PAGE_SIZE = 10
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d|)", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NEXT = re.compile(r'<([^<>]*)>\s*;\s*rel="next"')
_NINES = re.compile("9+")
_MAY_BE_OLD = re.compile(r"max-age=[1-9]")


def words(evidence: Evidence) -> Finding:
    """Statuses and types are the words that are documented or known."""
    statuses = [record["job_status"] for record in evidence.syncs if isinstance(record.get("job_status"), str)]
    known = sum(status_in(record) is not SyncStatus.UNKNOWN for record in evidence.syncs)
    if not evidence.syncs and not evidence.listed:
        return NOT_SEEN
    capitals = sum(word[:1].isupper() for word in statuses)
    lines = [
        Line("statuses of syncs: {}", (tally(Counter(_word(word) for word in statuses)),)),
        share("with a capital", capitals, len(statuses)),
    ]
    odd = len(evidence.syncs) - known
    for name in ("last_job_status", "integration_status", "integration_type", "warehouse_type"):
        seen = Counter(_word(record[name]) for record in evidence.listed if isinstance(record.get(name), str))
        odd += sum(number for word, number in seen.items() if not is_documented(word))
        lines.append(Line("{}: {}", (name, tally(seen))))
    style = {"capitalised": capitals > len(statuses) / 2} if statuses else {}
    return Finding(Verdict.REFUTED if odd else Verdict.CONFIRMED, tuple(lines), style)


def _word(value: str) -> str:
    """Return a documented word in lower case with underscores, and the mask of any other."""
    plain = value.strip().lower().replace(" ", "_")
    return plain if is_documented(plain) else mask(value)


def keys(evidence: Evidence) -> Finding:
    """Records have the documented fields, and no others."""
    records: list[tuple[Record, tuple[str, ...]]] = [(record, _STATUS_FIELDS) for record in evidence.syncs]
    records += [(record, _LIST_FIELDS) for record in evidence.listed]
    if not records:
        return NOT_SEEN
    missing = Counter(name for record, names in records for name in names if name not in record)
    nulls = Counter(name for record, names in records for name in names if name in record and record[name] is None)
    unknown = Counter(mask(name) for record, names in records for name in record if name not in names)
    kinds = Counter(kind_of(record, "contact_emails") for record in evidence.listed)
    lines = (
        Line("missing: {}", (tally(missing),)),
        Line("null: {}", (tally(nulls),)),
        Line("unknown: {}", (tally(unknown),)),
        Line("contact_emails: {}", (tally(kinds),)),
    )
    style = {"unknown": "missing" if missing else "null"} if missing or nulls else {}
    return Finding(Verdict.REFUTED if missing or unknown else Verdict.CONFIRMED, lines, style)


def paging(evidence: Evidence) -> Finding:
    """Ten records a page, and a `Link` header in the documented form."""
    linked, cursors = [], Counter[str]()
    for page in (*evidence.status_pages, *evidence.list_pages):
        if match := _NEXT.search(_header(page, "link")):
            linked.append(page)
            cursors[_cursor_form(match[1])] += 1
    full = sum(len(page.records) == _PAGE_SIZE for page in linked)
    following = list(evidence.following())
    overlaps = sum(bool(set(a.starts) & set(b.starts)) for a, b in following)
    # The documented fault, a slash that is missing, is in the second target: it takes a page with both.
    forms = Counter(form for page in linked if (form := _link_form(_header(page, "link"))))
    lines = (
        share("pages with a next that hold ten records", full, len(linked)),
        Line("form of Link: {}", (tally(forms),)),
        Line("cursors: {}", (tally(cursors),)),
        share("further pages that repeat a record", overlaps, len(following)),
    )
    if not linked:
        return NOT_SEEN
    known = {"documented", "clean", "absolute"}
    style = {"link": next(iter(forms))} if len(forms) == 1 and not forms.keys() - known else {}
    good = full == len(linked) and set(forms) <= {"documented"}
    return Finding(Verdict.CONFIRMED if good else Verdict.REFUTED, lines, style)


def _header(answer: FieldAnswer, name: str) -> str:
    return answer.headers.get(name, "")


def _link_form(link: str) -> str:
    """Return how the header is written, as far as it tells; empty where it does not."""
    if "://" in link:
        return "absolute"
    if ">; rel=" not in link or "</cdi/integrations" not in link:
        return "other"
    if link.count("<") == 1:
        return ""
    return "documented" if ",<" in link else "clean"


def _cursor_form(target: str) -> str:
    """Return the mask of what the cursor encodes in base64, or of the cursor."""
    cursor = unquote(target.partition("cursor=")[2])
    try:
        text = base64.b64decode(cursor, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return mask(cursor)
    return "base64 of " + _NINES.sub("9", mask(text))


def times(evidence: Evidence) -> Finding:
    """Times are ISO 8601 with an offset, all of one form."""
    texts = [
        record[name]
        for record in (*evidence.syncs, *evidence.listed)
        for name in (*_TIMES, "next_scheduled_run")
        if isinstance(record.get(name), str)
    ]
    if not texts:
        return NOT_SEEN
    matches = [match for text in texts if (match := _ISO.fullmatch(text))]
    digits = {len(match[1] or "") for match in matches}
    offsets = {match[2] for match in matches}
    good = len(matches) == len(texts) and len(digits) == len(offsets) == 1 and "" not in offsets
    style: dict[str, str | int] = {}
    usual = len(matches) > len(texts) / 2
    if len(digits) == 1 and usual:
        style["fraction_digits"] = digits.pop()
    if len(offsets) == 1 and usual:
        style["offset"] = offsets.pop()
    line = Line("masks: {}", (tally(Counter(map(mask, texts))),))
    return Finding(Verdict.CONFIRMED if good else Verdict.REFUTED, (line,), style)


def files_watermark(evidence: Evidence) -> Finding:
    """Syncs of files in S3 have no watermark."""
    files = {str(record.get("integration_id")) for record in evidence.listed if has_files(record)}
    records = [one for page in evidence.status_pages if page.integration[1] in files for one in page.records]
    kinds = Counter(kind_of(record, "last_timestamp_synced") for record in records)
    without = kinds["null"] + kinds["missing"]
    return Finding(judge(without, len(records)), (Line("last_timestamp_synced: {}", (tally(kinds),)),))


def rate_limits(evidence: Evidence) -> Finding:
    """Each answer carries the three rate-limit headers, with the documented limit of its endpoint."""
    lines: list[Line] = []
    good = of = 0
    for endpoint, limit in _DOCUMENTED_LIMITS.items():
        answers = evidence.list_pages if endpoint == "integrations" else evidence.status_pages
        complete = sum(all(name in one.headers for name in _RATE) for one in answers)
        documented = sum(one.headers.get(_RATE[0]) == limit for one in answers)
        retry = sum("x-ratelimit-retry-after" in one.headers or "retry-after" in one.headers for one in answers)
        lines += [
            Line("{}: all three headers in {} of {}", (endpoint, complete, len(answers))),
            Line("{}: the documented limit in {}, a retry-after in {}", (endpoint, documented, retry)),
        ]
        good, of = good + min(complete, documented), of + len(answers)
    return Finding(judge(good, of), tuple(lines))


def ids(evidence: Evidence) -> Finding:
    """Integration ids are UUIDs."""
    found = _texts(evidence.listed, "integration_id")
    groups = _texts(evidence.listed, "app_group_id")
    uuids = sum(_UUID.fullmatch(text) is not None for text in found)
    others = Counter(mask(text) for text in found if not _UUID.fullmatch(text))
    lines = (
        share("in the form of a UUID", uuids, len(found)),
        Line("other forms: {}", (tally(others),)),
        Line("lengths of app_group_id: {}", (tally(Counter(f"of {render_count(len(text))}" for text in groups)),)),
    )
    return Finding(judge(uuids, len(found)), lines)


def caching(evidence: Evidence) -> Finding:
    """No cache stands in between."""
    good = [answer for answer in evidence.answers if answer.good]
    held = sum("age" in one.headers or "hit" in _header(one, "x-cache").lower() for one in good)
    held += sum(bool(_MAY_BE_OLD.search(_header(one, "cache-control"))) for one in good)
    seen = Counter(name for one in good for name in _CACHING if name in one.headers)
    masks = Counter(mask(one.headers["cache-control"]) for one in good if "cache-control" in one.headers)
    lines: tuple[Line, ...] = (Line("headers: {}", (tally(seen),)), Line("cache-control: {}", (tally(masks),)))
    ours: LiteralString = "answers with Date: {} of {}"
    lines = (*lines, Line(ours, (sum("date" in one.headers for one in good), len(good))))
    if not good:
        return NOT_SEEN
    return Finding(Verdict.REFUTED if held else Verdict.CONFIRMED, lines)


def drafts(evidence: Evidence) -> Finding:
    """Drafts are in the list."""
    found = [one for one in evidence.listed if "draft" in str(one.get("integration_status")).lower()]
    started = sum(time_in(one, "last_job_start_time") is not None for one in found)
    lines = (
        Line("drafts: {} of {}", (len(found), len(evidence.listed))),
        Line("of these, with a last_job_start_time: {}", (started,)),
    )
    return Finding(Verdict.CONFIRMED if found else Verdict.NOT_SEEN, lines)


def _texts(records: Iterable[Record], name: str) -> list[str]:
    return [value for record in records if isinstance(value := record.get(name), str)]
