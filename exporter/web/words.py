"""How times and figures are worded on pages, and how long foreign text may be; escaping is the template's business."""

from datetime import UTC, datetime
from urllib.parse import quote

from exporter.domain.limits import Unit
from exporter.domain.wording import round_rows, word_share, word_span

LONGEST_NAME = 120
LONGEST_MESSAGE = 400


def word_age(at: datetime, now: datetime) -> str:
    """`3 min ago`, or `in 40 s` for what is to come."""
    seconds = (now - at).total_seconds()
    if round(seconds) == 0:
        return "now"
    return f"{word_span(seconds)} ago" if seconds > 0 else f"in {word_span(seconds)}"


def word_utc(at: datetime, now: datetime) -> str:
    """The time of day in UTC, or, when it is another day's, date and time: `14:05:12` or `2026-01-31 14:05`."""
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"


def word_rfc3339(at: datetime) -> str:
    """For machines: `2026-01-31T14:05:12Z`, with fractions of a second only where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def word_unbroken_span(seconds: float) -> str:
    """A length of time that a browser does not break into two lines."""
    return word_span(seconds).replace(" ", "\N{NO-BREAK SPACE}")


def word_value(value: float, unit: Unit) -> str:
    """A figure with its unit: a share, a length of time, or a count; one that is not whole is rounded."""
    if unit is Unit.SHARE:
        return word_share(value)
    if unit is Unit.SECONDS:
        return word_unbroken_span(value)
    return f"{value if value == round(value) else round_rows(value):,.0f}"


def path_of(*names: str) -> str:
    """Return the part of an address that has these names, one below the other."""
    return "/".join(quote(name, safe="", errors="replace") for name in names)
