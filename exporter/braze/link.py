"""
The next page that a `Link` header names: its cursor, or that there is one out of reach.

Decides what can be followed. A next page that cannot must never be taken for the end of a list: what stands on it would
look as if it were gone. Must not know what is listed, nor trust the header: no pattern goes back over what it has read.
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
_QUOTED = r'"(?:[^"\\]|\\.)*+'
_LINK = re.compile(rf'<([^<>]*+)>\s*+((?:;(?:[^;,<"]|{_QUOTED}(?:"|$))*+)*+)', re.DOTALL)
"""A target and its parameters, whose quoted values may hold commas; one that does not end takes the rest (RFC 8288)."""
_PARAMETER = re.compile(rf""";\s*+([^\s=;"]*+)\s*+=\s*+({_QUOTED}"|'[^']*+'|[^;"']*+)""", re.DOTALL)
_TARGET = re.compile("<[^<>]*+>")
_ANY_REL = re.compile(r"""(?<![\w-])rel\s*+=\s*+["']?+((?:rel\s*+=\s*+["']?+|[^"',;<>])*+)""", re.IGNORECASE)
"""A relation, however badly it is written."""
_NEXT = re.compile(r"\bnext\b", re.IGNORECASE)


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
        if not any(name.lower() == "rel" and _NEXT.search(value) for name, value in _PARAMETER.findall(parameters)):
            continue
        try:
            cursors: list[str] = parse_qs(urlsplit(target).query, max_num_fields=20).get("cursor", [])
        except ValueError:
            cursors = []
        if len(cursors) == 1 and len(cursors[0]) <= MAX_CURSOR:
            return cursors[0]
        size = f"a cursor of {len(cursors[0])} characters" if len(cursors) == 1 else f"{len(cursors)} cursors, not one"
        problem = f"its address in the Link header has {size}"
    named = any(map(_NEXT.search, _ANY_REL.findall(_TARGET.sub("<>", link))))
    return BadLink(problem) if named else None
