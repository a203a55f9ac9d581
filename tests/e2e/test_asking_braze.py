"""`check --online` and `integrations` ask Braze before the daemon ever does: what will work, and what a key can see."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.simulator.schedule import ON_DEMAND
from tests.e2e.command import files, run_command
from tests.e2e.worlds import AMPLE_LIMITS, STATUS_PERMISSION, write_config
from tests.simulated import SimulatedBraze
from tests.world import World

LIST_PERMISSION = "cdi.integration_list"
PERMISSIONS = {
    "good": (STATUS_PERMISSION, LIST_PERMISSION),
    "empty": (STATUS_PERMISSION, LIST_PERMISSION),
    "listless": (STATUS_PERMISSION,),
    "statusless": (LIST_PERMISSION,),
    "nothing": (),
}
NAMES = ['us"ers: #1 \x1b[31mred ünïcode\u2028', "twice", "twice", " purchases", "", "good-0", "good 7 \U0001f600"]
"""Names as anybody may give them in Braze's dashboard."""
MANY = 23
"""Integrations of one workspace: three pages of Braze's list."""
WRONG_KEY = "5f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
NOT_WATCHED = "good: nobody watches: good-0 ("
_PLANNED = re.compile(
    r"(?:WORKSPACE|.* (?:integrations|job_sync_status) +(?:yes|no)|.*: history:|.*: \w+ cannot be asked) .*\n"
)


def build_world() -> World:
    world = World(7, datetime.now(UTC))
    for name, permissions in PERMISSIONS.items():
        world.add_workspace(name, permissions=permissions, limits=AMPLE_LIMITS)
    for number in range(MANY):
        name = NAMES[number] if number < len(NAMES) else f"table {number}"
        world.add_integration("good", name, integration_id=f"good-{number}", schedule=ON_DEMAND)
    for name in ("listless", "statusless", "nothing"):
        world.add_integration(name, "users", integration_id=f"{name}-0", schedule=ON_DEMAND)
    return world


@pytest.fixture(scope="module")
def braze() -> Iterator[SimulatedBraze]:
    with SimulatedBraze(build_world()) as braze:
        yield braze


def entry(braze: SimulatedBraze, workspace: str, *ids: str, **more: Any) -> dict[str, Any]:
    """Return the configuration of a workspace with the integrations *ids*, or else with discovery."""
    asked = {"integrations": [{"id": each} for each in ids]} if ids else {"discovery": {"enabled": True}}
    key = {"rest_endpoint": braze.url, "api_key": f"key-of-{workspace}"}
    return {"name": workspace, **key, **asked, **more}


def test_a_good_configuration_is_found_good_by_braze_too(braze: SimulatedBraze, tmp_path: Path) -> None:
    entries = [entry(braze, "good", "good-1", "good-22"), entry(braze, "listless", "listless-0")]
    write_config(tmp_path, [*entries, entry(braze, "good", name="finds"), entry(braze, "empty")])
    done = run_command(tmp_path, "check", "--online")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(_PLANNED.findall(done.stdout)) >= 1 + 4 * 3 + 4
    lines = _PLANNED.sub("", done.stdout).splitlines()
    assert sum(": limits: failed_syncs 1, failed_rows auto (default 1%)" in line for line in lines) == 4
    lines = [NOT_WATCHED if line.startswith(NOT_WATCHED) else line for line in lines]
    assert [line for line in lines if ": limits: " not in line] == [
        f"good: the key is accepted and has the permission {LIST_PERMISSION}; it sees {MANY} integrations",
        NOT_WATCHED,
        f"good: the key has the permission {STATUS_PERMISSION}",
        "good: Braze knows all 2 integrations in the file",
        f"listless: the key lacks the permission {LIST_PERMISSION}: each integration will be polled individually",
        f"listless: the key has the permission {STATUS_PERMISSION}",
        "listless: Braze knows the integration in the file",
        f"finds: the key is accepted and has the permission {LIST_PERMISSION}; it sees {MANY} integrations",
        f"finds: the key has the permission {STATUS_PERMISSION}",
        f"empty: the key is accepted and has the permission {LIST_PERMISSION}; it sees 0 integrations",
        "config.yaml is good",
    ]
    assert files(tmp_path) == ["config.yaml"]


def test_what_will_not_work_is_told_workspace_by_workspace(braze: SimulatedBraze, tmp_path: Path) -> None:
    entries = [
        entry(braze, "good", "good-1", "unheard-of"),
        entry(braze, "listless", "listless-0", "unheard-of", name="without list"),
        entry(braze, "listless"),
        entry(braze, "statusless", "statusless-0"),
        entry(braze, "nothing", "nothing-0"),
        entry(braze, "good", "good-1", name="wrong key", api_key=WRONG_KEY),
        entry(braze, "good", "good-1", name="nobody there", rest_endpoint="http://127.0.0.1:1"),
    ]
    write_config(tmp_path, entries)
    done = run_command(tmp_path, "check", "--online")
    assert (done.returncode, done.stderr) == (2, "config.yaml will not work as it is\n")
    lines = done.stdout.splitlines()
    errors = [line.split(": ERROR: ") for line in lines if ": ERROR: " in line]
    unheard_of = "Braze does not know the integration unheard-of (unheard-of); check its id"
    assert errors[:2] == [["good", unheard_of], ["without list", unheard_of]]
    for (name, text), (expected, word) in zip(
        errors[2:],
        [
            ("listless", f"lacks the permission {LIST_PERMISSION}, which discovery needs"),
            ("statusless", f"lacks the permission {STATUS_PERMISSION}"),
            ("nothing", f"lacks the permission {STATUS_PERMISSION}"),
            ("wrong key", "401"),
        ],
        strict=True,
    ):
        assert (name, word in text, "IP allow list" in text) == (expected, True, True), text
    assert lines[-1].startswith("nobody there: NOT CHECKED: no answer from http://127.0.0.1:1")
    assert WRONG_KEY not in done.stdout


def test_a_network_that_fails_is_no_error_of_the_configuration(tmp_path: Path) -> None:
    nowhere = {"rest_endpoint": "http://127.0.0.1:1", "api_key": "k", "integrations": [{"id": "one"}]}
    write_config(tmp_path, [{"name": "crm", **nowhere}, {"name": "shop", **nowhere}])
    done = run_command(tmp_path, "check", "--online")
    verdict = "config.yaml has no errors, but Braze could not be asked about crm, shop; try again\n"
    assert (done.returncode, done.stderr) == (2, verdict)
    assert "ERROR" not in done.stdout
    annotated = run_command(tmp_path, "check", "--online", "--format=github")
    assert (annotated.returncode, annotated.stderr) == (2, "")
    assert "::warning file=config.yaml,title=crm::no answer from http://127.0.0.1:1" in annotated.stdout


def test_integrations_are_listed_as_a_table(braze: SimulatedBraze, tmp_path: Path) -> None:
    write_config(tmp_path, [entry(braze, "good"), entry(braze, "listless"), entry(braze, "statusless")])
    done = run_command(tmp_path, "integrations")
    assert done.returncode == 1
    assert done.stderr.startswith("listless: Braze answered 403")
    assert len(done.stderr.splitlines()) == 1
    head, *rows = done.stdout.splitlines()
    assert head.split()[:3] == ["WORKSPACE", "ID", "NAME"]
    ids = [f"good-{number}" for number in range(MANY)]
    assert [row.split()[:2] for row in rows] == [*(["good", each] for each in ids), ["statusless", "statusless-0"]]
    assert re.split(" {2,}", rows[0])[2] == 'us"ers: #1 ?[31mred ünïcode?'
    assert "\x1b" not in done.stdout


def test_the_yaml_can_be_pasted_into_the_configuration(braze: SimulatedBraze, tmp_path: Path) -> None:
    write_config(tmp_path, [entry(braze, name) for name in ("good", "empty", "statusless")])
    done = run_command(tmp_path, "integrations", "--output", "yaml")
    assert (done.returncode, done.stderr) == (0, "")
    blocks = re.split("^    # workspace ", done.stdout, flags=re.MULTILINE)[1:]
    assert [block.split()[0].rstrip(":") for block in blocks] == ["good", "empty", "statusless"]
    pasted = "workspaces:\n"
    for name, block in zip(("good", "empty", "statusless"), blocks, strict=True):
        pasted += f"  - name: {name}\n    rest_endpoint: {braze.url}\n    api_key: key-of-{name}\n    # {block}"
        pasted += "    discovery: {enabled: true}\n"
    (tmp_path / "config.yaml").write_text(pasted)
    checked = run_command(tmp_path, "check")
    assert (checked.returncode, checked.stderr) == (0, ""), pasted
    names = [one.get("name") for one in yaml.safe_load(pasted)["workspaces"][0]["integrations"]]
    assert names[: len(NAMES)] == [None, "twice", None, None, None, None, NAMES[6]]
