"""The schema of the configuration takes what the loader takes, and refuses what a schema can know to be wrong."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from exporter.config.json_schema import config_schema
from exporter.config.yaml_reader import read_document

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data" / "config"
SCHEMA = config_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
BEYOND = (
    *("not a known key", "is missing", "must be a", "must be m", "must be t", "is not a duration", "is an empty list"),
    *(
        "without a unit",
        "is longer than 500",
        "is not a limit",
        "is not one of",
        "is given beside",
        "without a percent",
    ),
)
"""Parts of the loader's messages about what a schema can know."""


def blocks(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    yield from schema["$defs"].values()


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", [*sorted((DATA / "good").glob("*.yaml")), ROOT / "config.example.yaml"], ids=str)
def test_what_the_loader_takes_is_valid(file: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(read_document(str(file)).content)] == []


def test_what_the_loader_refuses_by_a_key_or_a_type_is_not_valid() -> None:
    taken, refused = [], 0
    for file in (DATA / "bad").glob("*.yaml"):
        message = file.read_text().partition("\n")[0]
        if file.name.startswith("yaml_") or not any(words in message for words in BEYOND):
            continue
        if VALIDATOR.is_valid(read_document(str(file)).content):
            taken.append(f"{file.name}: {message}")
        else:
            refused += 1
    assert taken == []
    assert refused > 40


def test_every_example_is_valid_in_its_place() -> None:
    examples = [
        (name, key, example)
        for block in blocks(SCHEMA)
        for name, key in block["properties"].items()
        for example in key.get("examples", [])
    ]
    assert len(examples) > 30
    for name, key, example in examples:
        assert Draft202012Validator({**key, "$defs": SCHEMA["$defs"]}).is_valid(example), name


def test_every_pattern_is_one_that_go_reads() -> None:
    """Helm is written in Go, whose expressions have neither looks ahead or behind nor references."""
    patterns = re.findall(r"'pattern': '([^']+)'", str(SCHEMA))
    assert len(patterns) > 10
    assert [each for each in patterns if re.search(r"\(\?[=!<]|\\\\[0-9]", each)] == []
