"""
Which tests a mutant meets in `make mutants`, and in which order: those of its own file first, then the quick ones.

mutmut names the tests in no order and stops at the first that fails. How long each takes is what it measured before.
A mutant that has survived `ENOUGH_SECONDS` of tests counts as survived: the slow ones that are left find few more.
"""

import json
import os
from itertools import accumulate
from pathlib import Path

import pytest

MEASURED = Path("mutmut-stats.json")
ENOUGH_SECONDS = 12.0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mutant = os.environ.get("MUTANT_UNDER_TEST", "")
    if not mutant.startswith("exporter.") or not MEASURED.exists():
        return
    measured = json.loads(MEASURED.read_text())["duration_by_test"]
    seconds = {item: measured.get(item.nodeid, 0.0) for item in items}
    module = mutant.split(".")[2]
    items.sort(key=lambda item: seconds[item] * (0.2 if module in item.path.stem else 1.0))
    enough = sum(total <= ENOUGH_SECONDS for total in accumulate(seconds[item] for item in items))
    config.hook.pytest_deselected(items=items[enough:])
    del items[enough:]
