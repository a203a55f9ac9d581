"""docs/configuration.md names every key there is, with its default, and none that is not; what it shows is true."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic.fields import FieldInfo

from exporter.config.durations import format_duration
from exporter.config.endpoint import INSTANCES, KNOWN_HOSTS
from exporter.config.load import load_config
from exporter.config.schema import ConfigFile, Poll, Section
from exporter.config.values import RESERVED_LABELS
from exporter.domain.limits import Alerts, Keyword, Sensitivity

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "configuration.md").read_text()
ROWS = {
    cells[0].strip("`"): cells[1:]
    for line in DOCUMENT.splitlines()
    # A key's row has five cells: key, type, default, meaning, example.
    if line.startswith("| `") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 5
}
EXISTING: dict[str, FieldInfo] = {}
DOCUMENTED: set[type[Section]] = set()
IN_WORDS = {
    "workspaces[].poll": "as at the top",
    "workspaces[].limits": "as at the top",
    "workspaces[].network": "as at the top",
    "workspaces[].integrations[].limits": "as in the workspace",
    "workspaces[].integrations": "all that Braze lists",
    "workspaces[].integrations[].name": "Braze's name",
    "workspaces[].integrations[].expected_interval": "none",
    "workspaces[].integrations[].timezone": "none",
    "workspaces[].integrations[].labels": "none",
    "workspaces[].discovery.include": "all",
    "workspaces[].discovery.exclude": "none",
}
"""The defaults that are no value one could write."""


def fields(section: type[Section], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """A section's keys; those of a block that may stand in several places are documented in the first."""
    for name, field in section.model_fields.items():
        path = f"{prefix}{name}"
        yield path, field
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, Section) and part not in DOCUMENTED:
                DOCUMENTED.add(part)
                yield from fields(part, f"{path}[]." if get_args(field.annotation) else f"{path}.")


EXISTING.update(fields(ConfigFile))


def default_of(path: str) -> str:
    field = EXISTING[path]
    if path in IN_WORDS:
        return IN_WORDS[path]
    if field.is_required():
        return "required"
    default = field.default
    if isinstance(default, Keyword | Alerts | Sensitivity | bool):
        return f"`{default}`".lower()
    if not isinstance(default, int | float):
        return ""
    as_duration = path.startswith(("poll.", "history")) and "pages" not in path
    return f"`{format_duration(default) if as_duration else f'{default:g}'}`"


def test_every_key_is_documented_and_none_else() -> None:
    assert set(ROWS) == set(EXISTING)
    assert len(ROWS) > 15


@pytest.mark.parametrize("path", EXISTING)
def test_the_default_of_each_key_is_documented(path: str) -> None:
    assert ROWS[path][1] == default_of(path)


@pytest.mark.parametrize("path", [path for path in EXISTING if path in ROWS and ROWS[path][3]])
def test_the_example_of_each_key_is_accepted(path: str, tmp_path: Path) -> None:
    environ = {"BRAZE_API_KEY": "11111111-2222-3333-4444-555555555555"}
    listing = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)[1]
    content = yaml.safe_load(listing)
    value = yaml.safe_load(ROWS[path][3].strip("`"))
    steps = path.replace("[]", ".0").split(".")
    here = content
    for step in steps[:-1]:
        here = here[int(step)] if step.isdigit() else here.setdefault(step, {})
    if steps[-1] == "api_key_file":
        del content["workspaces"][0]["api_key_env"]
        (tmp_path / "key").write_text(environ["BRAZE_API_KEY"])
        value = "key"
    if steps == ["api_key_file"]:
        value = "{name}"
        (tmp_path / "production").write_text(environ["BRAZE_API_KEY"])
    elif steps[-1] == "instance":
        del here["rest_endpoint"]
    here[steps[-1]] = value
    if "discovery" in steps:
        here["enabled"] = True
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    assert load_config(str(tmp_path / "config.yaml"), environ=environ).workspaces


def test_the_bounds_that_are_documented_hold() -> None:
    pages = next(part for part in Poll.model_fields["max_pages"].metadata if hasattr(part, "le"))
    assert f"1 to {pages.le:,}" in ROWS["poll.max_pages"][0]


def test_every_reserved_label_is_documented_and_none_else() -> None:
    line = DOCUMENT[DOCUMENT.index("and are none of") : DOCUMENT.index("- **YAML**")]
    assert set(re.findall(r"`([a-z_]+)`", line)) == RESERVED_LABELS


def test_the_smallest_that_is_shown_discovers(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)[0])
    (workspace,) = load_config(str(tmp_path / "config.yaml"), environ={"BRAZE_API_KEY": "x"}).workspaces
    assert workspace.settings.discovery.enabled


def test_the_shared_blocks_that_are_shown_are_shared(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(re.findall(r"```yaml\n(x-.*?)```", DOCUMENT, re.DOTALL)[0])
    (workspace,) = load_config(str(tmp_path / "config.yaml"), environ={"BRAZE_API_KEY": "x"}).workspaces
    assert [one.limits.configured["failed_syncs"] for one in workspace.settings.integrations] == [0, 0]


def test_every_instance_has_its_endpoint_in_the_table() -> None:
    table = DOCUMENT[DOCUMENT.index("| instance |") : DOCUMENT.index("## Values")]
    rows = dict(re.findall(r"^\| `([A-Z]{2}-[0-9]{2})` \|[^|]*\| `https://([a-z0-9.-]+)`", table, re.MULTILINE))
    assert rows.items() <= INSTANCES.items()
    assert len(rows) == 7


def test_every_endpoint_that_is_documented_is_known() -> None:
    table = DOCUMENT[DOCUMENT.index("| instance |") : DOCUMENT.index("## Values")]
    shown = set(re.findall(r"https://(rest\.[a-z0-9.-]+)", table))
    assert len(shown) == 9
    assert shown <= set(KNOWN_HOSTS)


def test_every_message_that_is_shown_is_one_that_a_bad_file_gets() -> None:
    (block,) = re.findall(r"```text\n(.*?)```", DOCUMENT, re.DOTALL)
    bad = (ROOT / "tests" / "data" / "config" / "bad").glob("*.yaml")
    given = {file.read_text().splitlines()[0].removeprefix("# expect: ") for file in bad}
    shown = {line.removeprefix("config.yaml") for line in block.splitlines()}
    assert shown <= given
