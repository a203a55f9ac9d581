"""
Mutations of a good response, by name: one function from the response Braze gives to the one that arrives.

Statuses are made from their names: `http_500` is Braze's own error with its JSON, `html_502` a proxy's page, for any
three digits. Odd records are in `odd_records.py`. When a mutation strikes is decided in `faults.py`.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Literal

from exporter.simulator import responses
from tests.odd_records import ODD_RECORDS

SocketFault = Literal["hang", "drip", "reset", "cut"]
"""Never answer; answer a byte at a time; reset the connection; close it in the middle of the body."""


@dataclass(frozen=True, slots=True)
class Answer(responses.Answer):
    """An answer, and the fault of the socket that carries it. Acted out in `simulated.py` and `virtual_braze.py`."""

    fault: SocketFault | None = None


Mutation = Callable[[Answer, int | None], Answer]
"""From the good response, and the index of a record on its page (None: all), to the response that arrives."""

HUGE_BYTES = 64 * 1024 * 1024
_STATUS_NAME = re.compile(r"(http|html)_([2-5]\d\d)")
_MESSAGES = {202: "queued", 400: "Bad request", 401: "Invalid API key", 429: "Rate limit exceeded"}
_ELSEWHERE = "https://elsewhere.example/"


def find_mutation(name: str) -> Mutation:
    """
    Return a fault's mutation.

    Raises:
        KeyError: No fault has that name.

    """
    if match := _STATUS_NAME.fullmatch(name):
        make = _braze_error if match[1] == "http" else _proxy_page
        return partial(_instead, make, int(match[2]))
    if name in ODD_RECORDS:
        return partial(_with_records, ODD_RECORDS[name])
    if name == "cached":
        return _Cache()
    if name not in MUTATIONS:
        raise KeyError(f"no fault is called {name}")
    return MUTATIONS[name]


def _instead(make: Callable[[int, Answer], Answer], status: int, answer: Answer, _record: int | None) -> Answer:
    return make(status, answer)


def _refuse(status: int, message: str, headers: dict[str, str]) -> Answer:
    good = responses.refuse(status, message, headers)
    return Answer(good.status, good.headers, good.body)


def _braze_error(status: int, answer: Answer) -> Answer:
    """Braze's own words, with its rate headers as they are."""
    headers = {name: value for name, value in answer.headers.items() if name.startswith("x-ratelimit-")}
    if 300 <= status < 400:
        headers["location"] = _ELSEWHERE
    if status == HTTPStatus.TOO_MANY_REQUESTS and headers:
        headers["x-ratelimit-remaining"] = "0"
    return _refuse(status, _MESSAGES.get(status, _phrase(status)), headers)


def _proxy_page(status: int, _answer: Answer) -> Answer:
    """A proxy knows no rate headers and no JSON."""
    page = f"<!DOCTYPE html>\n<html><head><title>{status} {_phrase(status)}</title></head><body>nginx</body></html>\n"
    return Answer(status, {"content-type": "text/html; charset=utf-8"}, page.encode())


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _throttle(headers: Mapping[str, str], _answer: Answer, _record: int | None) -> Answer:
    """A 429 with these headers and no others."""
    return _refuse(429, _MESSAGES[429], dict(headers))


def _with_results(change: Callable[[list[Any]], list[Any]], answer: Answer, _record: int | None = None) -> Answer:
    """Replace the records of the page. An answer that is no page stays as it is."""
    if answer.status != HTTPStatus.OK:
        return answer
    try:
        results = json.loads(answer.body)["results"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return answer  # mutated by another fault already
    if not isinstance(results, list):
        return answer
    return _with_body(json.dumps({"results": change(results), "message": "success"}).encode(), answer)


def _with_records(change: Callable[[dict[str, Any]], list[Any]], answer: Answer, record: int | None) -> Answer:
    """Replace one record of the page, or all."""

    def change_all(results: list[Any]) -> list[Any]:
        meant = range(len(results)) if record is None else [record % len(results)] if results else []
        return [new for at, old in enumerate(results) for new in (change(old) if at in meant else [old])]

    return _with_results(change_all, answer)


def _with_body(body: bytes, answer: Answer, _record: int | None = None) -> Answer:
    return replace(answer, body=body)


def _with_headers(changes: Mapping[str, str | None], answer: Answer, _record: int | None) -> Answer:
    """Set headers, or drop those whose value is None."""
    headers = {**answer.headers, **changes}
    return replace(answer, headers={name: value for name, value in headers.items() if value is not None})


def _shift_date(by: timedelta, answer: Answer, _record: int | None) -> Answer:
    """Let the answer come from a clock that is ahead."""
    date = format_datetime(parsedate_to_datetime(answer.headers["date"]) + by, usegmt=True)
    return replace(answer, headers={**answer.headers, "date": date})


def _on_socket(fault: SocketFault, answer: Answer, _record: int | None) -> Answer:
    return replace(answer, fault=fault)


def _huge(answer: Answer, _record: int | None) -> Answer:
    """Valid JSON, padded as a broken proxy might."""
    return replace(answer, body=answer.body[:-1] + b" " * HUGE_BYTES + answer.body[-1:])


def _cut_json(answer: Answer, _record: int | None) -> Answer:
    """A complete HTTP answer with half of the JSON in it."""
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def _short_history(answer: Answer, record: int | None) -> Answer:
    """The latest records, and no sign of others."""
    return _with_headers({"link": None}, _with_results(lambda results: results[:3], answer), record)


class _Cache:
    """A cache in between that gives the first good answer again and again; switch it on for one page only."""

    def __init__(self) -> None:
        self._kept: Answer | None = None

    def __call__(self, answer: Answer, _record: int | None) -> Answer:
        if self._kept is None and answer.status == HTTPStatus.OK:
            self._kept = answer
        return self._kept or answer


def _next_link(cursor: str) -> dict[str, str]:
    return {"link": f'</cdi/integrations?cursor={cursor}>; rel="next"'}


_NO_LIMITS = {"x-ratelimit-limit": None, "x-ratelimit-remaining": None, "x-ratelimit-reset": None}
_NONSENSE_LIMITS = {"x-ratelimit-limit": "-1", "x-ratelimit-remaining": "many", "x-ratelimit-reset": "soon"}

MUTATIONS: dict[str, Mutation] = {
    "hang": partial(_on_socket, "hang"),
    "drip": partial(_on_socket, "drip"),
    "reset": partial(_on_socket, "reset"),
    "cut": partial(_on_socket, "cut"),
    "throttle_without_headers": partial(_throttle, {}),
    "throttle_nonsense_headers": partial(_throttle, {**_NONSENSE_LIMITS, "retry-after": "a while"}),
    "throttle_past_reset": partial(_throttle, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000000000"}),
    "throttle_far_reset": partial(_throttle, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "32503680000"}),
    "throttle_retry_after": partial(_throttle, {"retry-after": "7"}),
    "throttle_ratelimit_retry_after": partial(_throttle, {"x-ratelimit-retry-after": "7"}),
    "date_missing": partial(_with_headers, {"date": ""}),
    "date_invalid": partial(_with_headers, {"date": "yesterday, about noon"}),
    "date_long_ago": partial(_with_headers, {"date": "Thu, 01 Jan 1970 00:00:00 GMT"}),
    "date_ahead": partial(_shift_date, timedelta(minutes=2)),
    "date_far_ahead": partial(_shift_date, timedelta(hours=1)),
    "limits_missing": partial(_with_headers, _NO_LIMITS),
    "limits_nonsense": partial(_with_headers, _NONSENSE_LIMITS),
    "limits_lie": partial(_with_headers, {"x-ratelimit-limit": "1000000", "x-ratelimit-remaining": "999999"}),
    "limits_used_up": partial(_with_headers, {"x-ratelimit-remaining": "0"}),
    "html": partial(_instead, _proxy_page, 200),
    "wrong_content_type": partial(_with_headers, {"content-type": "text/plain"}),
    "cut_json": _cut_json,
    "huge_body": _huge,
    "empty_body": partial(_with_body, b""),
    "no_utf8": partial(_with_body, b'{"results": [], "message": "\xff\xfe"}'),
    "deep_json": partial(_with_body, b"[" * 100_000),
    "list_body": partial(_with_body, b"[]"),
    "results_missing": partial(_with_body, b'{"message": "success"}'),
    "results_null": partial(_with_body, b'{"results": null, "message": "success"}'),
    "empty_results": partial(_with_body, b'{"results": [], "message": "success"}'),
    "short_history": _short_history,
    "short_page": partial(_with_results, lambda results: results[:3]),
    "page_with_a_hole": partial(_with_results, lambda results: results[:2] + results[-2:]),
    "latest_missing": partial(_with_results, lambda results: results[2:]),
    "link_lost": partial(_with_headers, {"link": None}),
    "link_to_itself": partial(_with_headers, _next_link("c2tpcDow")),
    "link_cursor_refused": partial(_with_headers, _next_link("bm9uc2Vuc2U=")),
    "link_garbage": partial(_with_headers, {"link": '<<>; rel="next", <?cursor=>; rel=next'}),
}
"""Every mutation that is neither a status nor an odd record."""
