"""
Durations as Prometheus writes them: `90s`, `1m30s`, `1h`.

Decides what a duration may look like and how one is written back. The grammar is that of Prometheus' configuration
(prometheus/common `model.ParseDuration`): units from years down to milliseconds, each at most once, in that order,
whole numbers only; `0` needs no unit. Knows nothing of what a duration is for, nor whether it is sensible there.
"""

import re

_UNITS = (
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
)
"""Milliseconds in each unit. As in Prometheus a year is 365 days and a day 24 hours."""
GRAMMAR = "".join(rf"(?:([0-9]{{1,18}}){unit})?" for unit, _ in _UNITS)
_PATTERN = re.compile(GRAMMAR)
_MAX_MS = (2**63 - 1) // 1_000_000  # Prometheus counts nanoseconds in 64 bits: about 292 years


def parse_duration(text: str) -> float:
    """
    Return the seconds that *text* stands for.

    Raises:
        ValueError: It is not a duration. The message says what is wrong and never quotes the text.

    """
    if text == "0":
        return 0.0
    match = _PATTERN.fullmatch(text)
    if match is None or not text:
        raise ValueError("is not a duration")
    milliseconds = sum(
        int(number) * size for number, (_, size) in zip(match.groups(), _UNITS, strict=True) if number is not None
    )
    if milliseconds > _MAX_MS:
        raise ValueError("is longer than 292 years")
    return milliseconds / 1000


def format_duration(seconds: float) -> str:
    """Write *seconds* (not negative) the shortest way that `parse_duration` reads back, to the millisecond."""
    rest = round(seconds * 1000)
    if rest == 0:
        return "0s"
    parts = []
    for unit, size in _UNITS:
        # Prometheus writes weeks and years only where nothing is left over: 10d says more than 1w3d.
        if unit in ("y", "w") and rest % size:
            continue
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts)
