"""
How lengths of time, numbers, shares and foreign text are worded, in problems, pages and messages alike. Pure.

Foreign text (all that comes from Braze, and error messages that may quote it) goes through `clip`.
"""

from datetime import datetime
from functools import lru_cache

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


@lru_cache
def word_span(seconds: float) -> str:
    """A length of time in its two largest units: `45 s`, `2 min 5 s`, `3 d 4 h`. The sign is dropped."""
    rest = round(abs(seconds))
    largest = next((place for place, (_, size) in enumerate(_UNITS) if rest >= size), len(_UNITS) - 1)
    words: list[str] = []
    for name, size in _UNITS[largest : largest + 2]:
        count, rest = divmod(rest, size)
        if count or not words:
            words.append(f"{count} {name}")
    return " ".join(words)


def word_moment(at: datetime) -> str:
    """Return a moment, given in UTC, to the minute: `2026-03-01 14:05 UTC`."""
    return f"{at.isoformat(' ')[:16]} UTC"


def word_share(share: float) -> str:
    """A share as a percentage with at most two significant decimals: `0.5%`, `12%`, `100%`."""
    percent = share * 100
    return f"{round(percent, (percent < 10) + (percent < 1)):g}%"  # noqa: PLR2004 - readability


def round_rows(rows: float) -> float:
    """Return a learned number of rows as it is shown everywhere: from 100 on two digits, as it is no more exact."""
    return float(max(0, round(rows, min(0, 2 - len(str(int(rows)))))))


def word_count(count: float, noun: str) -> str:
    """`1 row`, `1,200 rows`."""
    return f"{count:,.0f} {noun}{'' if count == 1 else 's'}"


def clip(text: str, longest: int) -> str:
    """Return foreign *text* as one printable line of at most *longest* characters, ending in an ellipsis when cut."""
    line = " ".join(text[: 2 * longest].split())
    printable = "".join(character if character.isprintable() else "\ufffd" for character in line)
    if len(text) <= 2 * longest and len(printable) <= longest:
        return printable
    return printable[: longest - 1] + "…"
