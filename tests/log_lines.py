"""The log in its parts, and what docs/logging.md promises of it."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "logging.md"
_PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^" =]*)(?: |$)')


def parse(lines: Iterable[str]) -> list[dict[str, str]]:
    """Return the pairs of each line in logfmt, of which every part must be one."""
    found = []
    for line in lines:
        assert "".join(_PAIR.split(line)[::3]) == "", line
        pairs = _PAIR.findall(line)
        found.append({name: json.loads(value) if value.startswith('"') else value for name, value in pairs})
    return found


def documented() -> dict[str, tuple[str, set[str]]]:
    """For each event its levels and its fields, as the document's tables have them."""
    rows = re.findall(r"^\|`([^`]+)`\|([a-z, ]+)\|(.*)\|$", DOCUMENT.read_text(), re.MULTILINE)
    return {event: (levels, set(re.findall(r"`(\w+)`", fields))) for event, levels, fields in rows}
