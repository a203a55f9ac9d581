"""
How labels, numbers and headers are written on the page.

Text 0.0.4 and OpenMetrics 1.0.0 agree on label values and on numbers, so a sample line is the same bytes in both; only
headers differ. Nothing that reaches this file is trusted: with any name the line stays one line of UTF-8; for any
number the page shows a finite value or none at all.
"""

import math
import re
from collections.abc import Iterable
from enum import StrEnum

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""
UTF-8 has no half surrogates: one of them would cost the whole page. Prometheus 2.42 reads all the others (tried), but
readers that take a page apart with their language's "split into lines" break at carriage return, form feed, NEL, U+2028
and their like, and no control character belongs on a terminal. Tab stays; a newline stays as the escape that both
formats define for it.
"""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

_LONGEST = 1e18
"""Whole numbers below this are written out, digit by digit."""


class Kind(StrEnum):
    """What a family is; the words are those of the TYPE line in OpenMetrics."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


def clean(value: str) -> str:
    """*value* without the characters that break readers of a page: each becomes U+FFFD, the replacement character."""
    return _UNSAFE.sub("\ufffd", value)


def render_labels(pairs: Iterable[tuple[str, str]]) -> str:
    """The pairs as between the braces of a sample line; values cleaned and escaped, names taken as they are."""
    return ",".join(f'{name}="{clean(value).translate(_ESCAPES)}"' for name, value in pairs)


def render_number(value: float) -> str | None:
    """
    *value* as both formats read it; None when it is not a finite number that a float can hold.

    Whole numbers have no fraction (`5`, not `5.0`), others the shortest digits that give the same float back.
    """
    try:
        number = float(value)
    except OverflowError:
        return None
    if not math.isfinite(number):
        return None
    if number.is_integer() and abs(number) < _LONGEST:
        return str(int(value))
    return repr(number)


def render_header(name: str, kind: Kind, help_text: str, *, openmetrics: bool) -> bytes:
    """
    The HELP and TYPE lines of the family whose samples are called *name*.

    OpenMetrics names the family of counters without the samples' suffix. An info metric is a gauge in both formats: an
    OpenTelemetry collector renames the type `info`. *help_text* is ours and plain: neither format has anything to
    escape in it.
    """
    if openmetrics and kind is Kind.COUNTER:
        name = name.removesuffix("_total")
    return f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n".encode()
