"""docs/logging.md names every event that the exporter logs, with its levels and fields, and none that it does not."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from exporter.poller.events import BEGAN, DENIED, ENDED, OUTAGE_WORDS
from exporter.poller.report import DEFECTS, LATE
from tests.log_lines import documented

PACKAGE = Path(__file__).resolve().parents[2] / "exporter"
LEVELS = {"debug": "debug", "info": "info", "warning": "warn", "error": "error", "exception": "error"}
BY_TABLE = {
    *BEGAN.values(),
    *ENDED.values(),
    *OUTAGE_WORDS,
    *DEFECTS,
    *LATE,
    *(one for pair in DENIED.values() for one in pair),
}
"""Events whose words stand in a table."""
EVENTS = documented()
_LOG = re.compile(r"log$|getLogger")


class Calls(ast.NodeVisitor):
    """Every event that a module logs, with the levels and fields that its calls name."""

    def __init__(self) -> None:
        self.levels: defaultdict[str, set[str]] = defaultdict(set)
        self.fields: defaultdict[str, set[str]] = defaultdict(set)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        by_name = isinstance(node.func, ast.Name) and node.func.id == "say" and bool(node.keywords)
        of_log = isinstance(node.func, ast.Attribute) and _LOG.search(ast.unparse(node.func.value))
        level = LEVELS.get(node.func.attr) if isinstance(node.func, ast.Attribute) and of_log else None
        if node.args and (by_name or level):
            texts = (each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant))
            for event in texts:
                if isinstance(event, str):
                    self.levels[event] |= {level} if level else set()
                    self.fields[event] |= {each.arg for each in node.keywords if each.arg} - {"exc_info"}


def logged() -> tuple[dict[str, set[str]], dict[str, set[str]], dict[str, set[str]]]:
    """The levels and fields of each event, and every name and text of the modules that log it."""
    calls, words = Calls(), defaultdict[str, set[str]](set)
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name == "simulator":
            continue
        here, tree = Calls(), ast.parse(path.read_text())
        here.visit(tree)
        names = {each.arg for each in ast.walk(tree) if isinstance(each, ast.keyword) and each.arg}
        names |= {
            each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)
        }
        for event in here.levels:
            calls.levels[event] |= here.levels[event]
            calls.fields[event] |= here.fields[event]
            words[event] |= names
    return dict(calls.levels), dict(calls.fields), dict(words)


LEVELS_OF, FIELDS_OF, WORDS_OF = logged()


def test_every_event_is_documented_and_none_else() -> None:
    assert set(EVENTS) == {*LEVELS_OF, *BY_TABLE}
    assert len(EVENTS) > 40


@pytest.mark.parametrize("event", sorted(LEVELS_OF))
def test_levels_and_fields_of_an_event_are_documented(event: str) -> None:
    levels, fields = EVENTS[event]
    assert LEVELS_OF[event] <= set(levels.split(", "))
    assert FIELDS_OF[event] <= fields | {"workspace", "integration_id"}
    assert fields <= WORDS_OF[event]
