"""
Text that does not tell whom it is about: masks, bounded counts, coarse ages; and the search for what must not show.

Nothing here knows Braze. A field report is built of these and of fixed words only, and searched before it is shown.
"""

import re
from collections.abc import Iterable
from datetime import timedelta

MOST_SHOWN = 999
"""Counts and ages end here: a longer figure in a report is never one of ours."""
_LONGEST_MASK = 60
_LEAST_TELLING = 4
"""Shorter texts are found in any report, and tell nothing."""
_KEPT = frozenset("-_:.,;+/=<>?\"'()*&%@ ")
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_BETWEEN_ADDRESSES = re.compile(r"[\s,;<>\"'()/?&=]+")
_DATE_CHARACTERS = len("2026-01-01")


def mask(text: str) -> str:
    """Return *text* with 9 for each digit, a for each letter and ? for what is neither nor ASCII punctuation."""
    cut = text[:_LONGEST_MASK]
    shown = "".join(
        "a" if each.isalpha() else "9" if each.isnumeric() else each if each in _KEPT else "?" for each in cut
    )
    return shown + ("..." if len(text) > _LONGEST_MASK else "")


def render_count(number: int) -> str:
    """Return a count of what was seen, bounded."""
    return str(number) if number <= MOST_SHOWN else f"more than {MOST_SHOWN}"


def render_age(age: timedelta) -> str:
    """Return an age in whole numbers of its largest unit, such as `3h`: no date can be computed from it."""
    seconds = int(abs(age.total_seconds()))
    size, unit = next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
    return f"{'-' if age < timedelta(0) else ''}{render_count(seconds // size)}{unit}"


def telling_texts(values: Iterable[object]) -> frozenset[str]:
    """
    Return every text in JSON values that must not show: texts, the dates and addresses in them, and long numbers.

    Lower case. Names of fields count as well, as somebody may have put data there.
    """
    found: set[str] = set()
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            found |= {value.strip(), value.strip()[:_DATE_CHARACTERS], *_BETWEEN_ADDRESSES.split(value)}
            found.add(value[:_LONGEST_MASK].strip())  # as much of it as a mask may show
            found |= {one.partition("@")[0] for one in _BETWEEN_ADDRESSES.split(value) if "@" in one}
        elif isinstance(value, int) and abs(value) > MOST_SHOWN and set(str(value)) != {"9"}:
            found.add(str(value))  # nines alone are part of any mask of a time
    return frozenset(text.lower() for text in found if len(text) >= _LEAST_TELLING)


def leaks(text: str, telling: Iterable[str], fixed: Iterable[str]) -> int:
    """Count the *telling* texts, in lower case, that *text* shows although none of our own (*fixed*) holds them."""
    shown, ours = text.lower(), [one.lower() for one in fixed]
    return sum(each in shown and not any(each in one for one in ours) for each in telling)
