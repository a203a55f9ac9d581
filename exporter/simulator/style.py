"""
The choices that Braze's documents leave open: a world has one style, and the exporter must cope with each.

Also the one place that writes a time as text. Knows nothing of pages, requests or schedules.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal


@dataclass(frozen=True, slots=True)
class Style:
    """
    How this Braze words its answers.

    Args:
        fraction_digits: Digits after the second, 0 to 6. Syncs start and finish in steps of that size.
        offset: What ends a time: "Z", "+00:00", any other "+HH:MM", or nothing, which means UTC.
        capitalised: Statuses as the older page writes them: `Success`, `Config_error`.
        unknown: Whether a field that has no value is null or missing.
        running_tells: Whether a running sync shows its watermark and zero rows, or nothing.
        failed_tells: Whether a sync that synced nothing shows zero rows and its watermark, or nothing.
        announcement_rolls: Whether `next_scheduled_run` moves on when a scheduled sync does not start.
        link: The `Link` header as documented (a slash missing, no space after the comma), well-formed, or
            well-formed with absolute addresses of another host, which must never see a key.
        order: How syncs are listed: the latest first, the oldest first page after page, or the latest ten first but
            jumbled within each page.
        unknown_key_status: 401; the older page has 404.
        unknown_integration_status: 404, or 400 `Invalid integration ID`.

    """

    fraction_digits: int = 6
    offset: str = "Z"
    capitalised: bool = False
    unknown: Literal["null", "missing"] = "null"
    running_tells: bool = False
    failed_tells: bool = True
    announcement_rolls: bool = True
    link: Literal["documented", "clean", "absolute"] = "documented"
    order: Literal["latest first", "oldest first", "jumbled"] = "latest first"
    unknown_key_status: int = 401
    unknown_integration_status: int = 404

    @property
    def quantum(self) -> timedelta:
        """The smallest step of time in the texts; no two syncs of an integration start closer together."""
        return timedelta(microseconds=10 ** (6 - self.fraction_digits))


_UTC_OFFSETS = ("", "Z", "+00:00")
_FRACTION_AT = len("2026-01-01T00:00:00")


def floor_time(at: datetime, quantum: timedelta) -> datetime:
    """Return the last moment not after *at* that a text of that precision can show."""
    return at - timedelta(microseconds=at.microsecond) % quantum if at.microsecond else at


def render_time(at: datetime, style: Style) -> str:
    """Return a moment as this Braze writes it."""
    offset = style.offset
    if offset not in _UTC_OFFSETS:
        hours, minutes = offset[1:].split(":")
        shift = timedelta(hours=int(hours), minutes=int(minutes))
        at = at.astimezone(timezone(-shift if offset.startswith("-") else shift))
    elif at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    text = at.isoformat(timespec="microseconds")[: _FRACTION_AT + style.fraction_digits + (style.fraction_digits > 0)]
    return text + offset
