"""docs/testing.md has a row for each assumption of the field report; the tests and anomalies that it names exist."""

import re
from pathlib import Path

import pytest

from exporter.domain.field_report import ASSUMPTIONS

ROOT = Path(__file__).resolve().parents[2]
SECTION = (ROOT / "docs" / "testing.md").read_text().split("## Assumptions about Braze")[1].split("\n## ")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in SECTION.splitlines() if line[:2] == "| "][
    1:
]
BESIDE_THE_REPORT = {"a cursor that Braze gives can be followed", "Date is Braze's time"}
"""Whether these hold no report can tell."""


def test_each_assumption_has_one_row() -> None:
    described = [row[0].replace("`", "") for row in ROWS]
    assert sorted(described) == sorted([*(name for name, _ in ASSUMPTIONS), *BESIDE_THE_REPORT])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_tests_of_a_row_exist(row: list[str]) -> None:
    _, consequence, tests = row
    assert consequence
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", tests)
    assert " ".join(f"`{file}::{test}`" for file, test in named) == tests != ""
    for file, test in named:
        text = (ROOT / "tests" / file).read_text()
        assert re.search(rf"^(async )?def {test}\(", text, re.MULTILINE), (file, test)


def test_the_anomalies_that_are_named_exist() -> None:
    named = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"anomal(?:y|ies) ((?:`\w+`,? ?)+)", SECTION))))
    packages = [ROOT / "exporter" / name for name in ("braze", "domain", "poller")]
    source = "".join(path.read_text() for package in packages for path in package.glob("*.py"))
    assert len(named) >= 8
    assert {kind for kind in named if f'"{kind}"' not in source} == set()
