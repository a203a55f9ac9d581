"""
The next page that a `Link` header names: its cursor, or that there is one out of reach.

Decides what can be followed. A next page that cannot must never be taken for the end of a list: what stands on it would
look as if it were gone. Must not know what is listed, nor trust the header: each pattern ends soon on any text.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class BadLink:
    """Stands for the cursor of a next page that Braze names in a way we cannot read; asking for that page fails."""

    problem: str


Cursor = str | BadLink

MAX_CURSOR = 4096
_MAX_LINK = 16_384
_LINK = re.compile(r'<([^<>]*)>\s*((?:;(?:[^;,<"]|"(?:[^"\\]|\\.)*")*)*)')
"""A target and its parameters, whose quoted values may hold commas (RFC 8288)."""
_NEXT = re.compile(r""";\s*rel\s*=\s*(?:"[^"]*\bnext\b[^"]*"|'[^']*\bnext\b[^']*'|next\b)""", re.IGNORECASE)
_TARGET = re.compile("<[^<>]*>")
_ANY_NEXT = re.compile(r"""(?<![\w-])rel\s*=\s*["']?[^"',;<>]{0,100}?\bnext\b""", re.IGNORECASE)
"""A next page, however badly it is written."""


def read_link(link: str) -> Cursor | None:
    """
    Return the cursor of the next page, None where no next page is named, BadLink where one is that has no cursor.

    Braze's documented `Link` has no space after its comma, a broken path in its second target and a bare `=` inside
    the cursor (page read 2026), so only the target's query is looked at.
    """
    if len(link) > _MAX_LINK:
        return BadLink(f"the Link header has {len(link)} characters")
    problem = "the Link header has no address in <> for it"
    for target, parameters in _LINK.findall(link):
        if not _NEXT.search(parameters):
            continue
        try:
            cursors: list[str] = parse_qs(urlsplit(target).query, max_num_fields=20).get("cursor", [])
        except ValueError:
            cursors = []
        if len(cursors) == 1 and len(cursors[0]) <= MAX_CURSOR:
            return cursors[0]
        size = f"a cursor of {len(cursors[0])} characters" if len(cursors) == 1 else f"{len(cursors)} cursors, not one"
        problem = f"its address in the Link header has {size}"
    return BadLink(problem) if _ANY_NEXT.search(_TARGET.sub("<>", link)) else None
