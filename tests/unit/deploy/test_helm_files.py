"""What of the Helm chart needs no helm to check: its copies, its schema, its README. `make test-chart` renders it."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from exporter.cli.flags import DAEMON_FLAGS
from tools.helm_chart import CHART, COPIES, LIST, config_blocks, values_table

ROOT = Path(__file__).resolve().parents[3]
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
TEMPLATES = "".join(path.read_text() for path in (CHART / "templates").iterdir())


@pytest.mark.parametrize("folder", COPIES, ids=lambda folder: folder.name)
def test_rules_and_dashboards_are_the_shipped_ones(folder: Path) -> None:
    held = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert held == {path.name: path.read_bytes() for path in COPIES[folder]}, "make generate makes it current"


def test_the_readme_lists_the_values() -> None:
    (listed,) = LIST.findall((CHART / "README.md").read_text())
    assert listed == values_table((CHART / "values.yaml").read_text()), "make generate makes it current"


def test_every_value_is_listed() -> None:
    listed = values_table((CHART / "values.yaml").read_text())
    for key, value in VALUES.items():
        names = [key] if f"| `{key}` |" in listed else [f"{key}.{each}" for each in value]
        assert all(f"| `{name}` |" in listed for name in names), key


def test_a_list_shows_path_default_and_meaning() -> None:
    assert values_table("# -- First.\na: 1\nb:\n  # -- Second.\n  c: {d: e}\n  f: 2\n").splitlines()[2:] == [
        "| `a` | `1` | First. |",
        '| `b.c` | `{"d": "e"}` | Second. |',
    ]


def test_schema_and_values_name_the_same_keys() -> None:
    def compare(schema: dict[str, Any], values: dict[str, Any], place: str) -> None:
        if "properties" not in schema or place == ".config":
            return
        assert schema["additionalProperties"] is False, place
        assert set(schema["properties"]) - {"global"} == set(values), place
        for key, value in values.items():
            if isinstance(value, dict):
                compare(schema["properties"][key], value, f"{place}.{key}")

    compare(SCHEMA, VALUES, "")


def test_the_schema_holds_that_of_the_configuration() -> None:
    assert SCHEMA["$defs"] == config_blocks(), "make generate makes it current"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ""),
        ({"poll": {"intervall": "1m"}}, "intervall"),
        ({"history": "soon"}, "soon"),
        ({"api_key_file": "{name}"}, "does not match"),
        ({"workspaces": []}, "non-empty"),
        ({"workspaces": [{"name": "a", "instance": "US-03"}]}, "not valid under any"),
        ({"workspaces": [{"name": "a", "instance": "US-03", "api_key_file": "key"}]}, "does not match"),
    ],
)
def test_the_schema_judges_the_configuration_in_the_values(change: dict[str, Any], words: str) -> None:
    values = {**VALUES, "config": {**VALUES["config"], **change}}
    errors = [error.message for error in Draft7Validator(SCHEMA).iter_errors(values)]
    assert (errors == []) == (change == {}), errors
    assert words in "".join(errors)


def test_every_value_is_used_by_a_template() -> None:
    for key in VALUES:
        assert re.search(rf"\.Values\.{key}\b", TEMPLATES), key


def test_the_chart_has_the_packages_version_and_needs_what_the_manifests_need() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (version, version)
    assert chart["kubeVersion"].startswith(">=1.28")


def test_the_arguments_are_flags_of_the_daemon() -> None:
    named = set(re.findall(r"- (--[a-z.-]+)=", TEMPLATES))
    assert {"--config.file", "--storage.path"} <= named <= set(DAEMON_FLAGS)
