"""`init` against a simulated Braze: what it writes works as it stands, and names the key's file but never the key."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config.load import load_config
from exporter.simulator.schedule import ON_DEMAND, every
from tests.components import component
from tests.e2e.command import files, run_command
from tests.e2e.worlds import AMPLE_LIMITS, STATUS_PERMISSION
from tests.simulated import SimulatedBraze
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
KEY = "5f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
NAMES = ["users", "line\nrest_endpoint: https://evil.example.org", "\x85x: [\u2028 # \x1b[31m", "twice", "twice", ""]
LIST_PERMISSION = "cdi.integration_list"


def build_world() -> World:
    world = World(7, datetime.now(UTC))
    for name, permissions in {
        "good": (STATUS_PERMISSION, LIST_PERMISSION),
        "empty": (STATUS_PERMISSION, LIST_PERMISSION),
        "listless": (STATUS_PERMISSION,),
        "statusless": (LIST_PERMISSION,),
        "telltale": (STATUS_PERMISSION, LIST_PERMISSION),
    }.items():
        world.add_workspace(name, permissions=permissions, limits=AMPLE_LIMITS)
    for number in range(12):
        name = NAMES[number] if number < len(NAMES) else f"table {number}"
        schedule = ON_DEMAND if number else every(minutes=10)
        world.add_integration("good", name, integration_id=f"good-{number}", schedule=schedule)
    world.add_integration("telltale", "key-of-telltale", schedule=ON_DEMAND)
    world.add_integration("statusless", "users", schedule=ON_DEMAND)
    return world


@pytest.fixture(scope="module")
def braze() -> Iterator[SimulatedBraze]:
    with SimulatedBraze(build_world()) as braze:
        yield braze


def run_init(
    directory: Path, braze: SimulatedBraze, *arguments: str, of: str = "good"
) -> subprocess.CompletedProcess[str]:
    (directory / "secret").mkdir(exist_ok=True)
    for name in ("braze", f"key-of-{of}"):
        (directory / "secret" / name).write_text(f"key-of-{of}\n")
    return run_command(directory, "init", "--endpoint", braze.url, "--api-key-file", "secret/braze", *arguments)


def accept(checker: list[Path | str], file: Path) -> None:
    run = subprocess.run([*checker, file], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_what_is_written_works_as_it_stands(braze: SimulatedBraze, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    done = run_init(tmp_path, braze, "--output", "etc")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.splitlines()[-1] == "wrote etc/config.yaml, etc/scrape.yaml"
    assert files(tmp_path / "etc") == ["config.yaml", "scrape.yaml"]
    checked = run_command(tmp_path, "check", "--online", "--config.file", "etc/config.yaml")
    assert (checked.returncode, checked.stderr) == (0, "")
    (workspace,) = load_config(str(tmp_path / "etc" / "config.yaml"), environ={}).workspaces
    settings = workspace.settings
    assert (settings.name, settings.rest_endpoint) == ("production", braze.url)
    assert (settings.discovery.enabled, workspace.key.read()) == (True, "key-of-good")
    # What the file could not take as a name is Braze's all the same: the id stands for it.
    assert [one.integration_id for one in settings.integrations] == [f"good-{number}" for number in range(12)]
    named = [one.integration_name for one in settings.integrations]
    assert named[:6] == ["users", "good-1", "good-2", "twice", "good-4", "good-5"]
    assert named[6:] == [f"table {number}" for number in range(6, 12)]


def test_what_braze_says_cannot_leave_its_comment(braze: SimulatedBraze, tmp_path: Path) -> None:
    text = run_init(tmp_path, braze, "--output", "-", "--kubernetes").stdout
    lines = text.splitlines()
    assert text.split("\n")[:-1] == lines, "another kind of line break is in it"
    assert [line for line in lines if "evil" in line] == [
        line for line in lines if line.lstrip().startswith('- id: "good-1"  # line?rest_endpoint: https://evil')
    ]
    assert all(line.isprintable() for line in lines)
    assert "  # SNOWFLAKE, active, no run announced" in text.replace("snowflake", "SNOWFLAKE")


def test_prometheus_takes_the_scrape_job_which_is_the_shipped_one(braze: SimulatedBraze, tmp_path: Path) -> None:
    run_init(tmp_path, braze)
    job = yaml.safe_load((tmp_path / "scrape.yaml").read_text())
    shipped = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    assert job == {"scrape_configs": shipped["scrape_configs"]}
    accept([component("promtool"), "check", "config"], tmp_path / "scrape.yaml")


def test_for_kubernetes_values_and_the_command_for_the_secret_are_written(
    braze: SimulatedBraze, tmp_path: Path
) -> None:
    done = run_init(tmp_path, braze, "--kubernetes", "--workspace", "prod.eu")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "values.yaml").read_text()
    values = yaml.safe_load(text)
    schema = ROOT / "deploy" / "helm" / "braze-cdi-exporter" / "values.schema.json"
    accept([Path(sys.executable).parent / "check-jsonschema", "--schemafile", schema], tmp_path / "values.yaml")
    key_file = str(tmp_path / "secret" / "braze")
    command = next(line for line in text.splitlines() if "kubectl" in line).removeprefix("#   ")
    assert done.stderr.splitlines()[-1] == f"next: {command}"
    assert shlex.split(command)[-2:] == ["braze-cdi-exporter-keys", f"--from-file=prod.eu={key_file}"]
    assert values["apiKeys"]["existingSecret"] == "braze-cdi-exporter-keys"
    mounted = "/run/secrets/braze-cdi-exporter/prod.eu"
    local: Any = yaml.safe_load((tmp_path / "config.yaml").read_text())["workspaces"]
    assert values["config"]["workspaces"] == [{**local[0], "api_key_file": mounted}]
    assert local[0]["api_key_file"] == key_file


def test_a_key_in_the_name_of_an_integration_is_not_written(braze: SimulatedBraze, tmp_path: Path) -> None:
    done = run_init(tmp_path, braze, "--kubernetes", "--output", "-", of="telltale")
    assert (done.returncode, "key-of-telltale" in done.stdout + done.stderr) == (0, False)


def test_a_key_that_sees_nothing_yet_gets_discovery(braze: SimulatedBraze, tmp_path: Path) -> None:
    assert run_init(tmp_path, braze, of="empty").returncode == 0
    (workspace,) = load_config(str(tmp_path / "config.yaml"), environ={}).workspaces
    assert (workspace.settings.integrations, workspace.settings.discovery.enabled) == ((), True)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (("listless", (), 1), f"lacks the permission {LIST_PERMISSION}"),
        (("statusless", (), 1), f"lacks the permission {STATUS_PERMISSION}"),
        (("nobody", (), 1), "401"),
        (("good", ("--api-key-file", "secret/key-of-good"), 2), "holds the key itself"),
        (("good", ("--output", "missing"), 1), "name a directory that exists"),
        (("good", ("--instance", "EU-02"), 2), "either --endpoint or --instance"),
        (("good", ("--workspace", "two\nlines"), 2), "one line"),
        (("good", ("--workspace", "a/b", "--kubernetes"), 2), "a key of the Secret"),
        (("good", ("--endpoint", "https://dashboard-03.braze.com"), 2), "did you mean https://rest.iad-03.braze.com"),
        (("good", ("--api-key-file", "missing"), 2), "/missing does not exist"),
        (("good", ("--api-key-file", KEY), 2), "the file named here does not exist"),
    ],
)
def test_what_cannot_work_is_told_and_nothing_is_written(
    case: tuple[str, tuple[str, ...], int], words: str, braze: SimulatedBraze, tmp_path: Path
) -> None:
    of, arguments, code = case
    done = run_init(tmp_path, braze, *arguments, of=of)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert words in done.stderr
    assert not {"Traceback", KEY, f"key-of-{of}"} & set(done.stderr.split())
    assert files(tmp_path) == ["secret"]


@pytest.mark.parametrize("present", ["config.yaml", "scrape.yaml", "values.yaml"])
def test_nothing_that_exists_is_overwritten_nor_is_braze_asked(
    present: str, braze: SimulatedBraze, tmp_path: Path
) -> None:
    (tmp_path / present).symlink_to("nowhere")
    before = braze.call(lambda world: sum(asked.total() for asked in world.requests.values()))
    done = run_init(tmp_path, braze, "--kubernetes")
    after = braze.call(lambda world: sum(asked.total() for asked in world.requests.values()))
    assert (done.returncode, after) == (1, before)
    assert f"{present} cannot be written" in done.stderr
    assert "nothing is overwritten" in done.stderr
    assert files(tmp_path) == sorted([present, "secret"])
    assert not (tmp_path / present).exists()
