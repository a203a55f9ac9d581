"""The bundle has what a maintainer needs, of a running exporter and of its state, and names nobody."""

import json
import stat
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from exporter.simulator.schedule import every
from tests.e2e.command import ALONE, Daemon, run_command, wait_for
from tests.e2e.scraping import ask, peek
from tests.e2e.worlds import AMPLE_LIMITS, HeldClock, workspace_entry, write_config
from tests.simulated import SimulatedBraze
from tests.world import World

LABELS = {"team": "crm-team", "source": "of-source", "kind": "of-kind", "code": "of-code", "poll": "of-poll"}
"""Names of labels and fields of ours among them."""
PRIVATE = ("acme", "Customer master", "8d1d9d0e", "proxy.acme", "our-tools", *LABELS.values())


@pytest.fixture
def braze() -> Iterator[SimulatedBraze]:
    clock = HeldClock()
    world = World(7, clock.now() - timedelta(seconds=10))
    world.add_workspace("acme", limits=AMPLE_LIMITS)
    one = "8d1d9d0e-0000-4000-8000-000000000001"
    world.add_integration("acme", "Customer master", integration_id=one, schedule=every(hours=1))
    world.add_integration("acme", "acme secret project", schedule=every(hours=1))
    with SimulatedBraze(world, clock=clock) as braze:
        yield braze


def configure(directory: Path, braze: SimulatedBraze) -> str:
    entry = workspace_entry(braze.world, "acme", braze.url)
    entry["integrations"] = [{**one, "labels": LABELS} for one in entry["integrations"][:1]]
    entry["network"] = {"no_proxy": ["127.0.0.1", "proxy.acme"]}
    with write_config(directory, [entry]).open("a") as config:
        config.write("grafana_url: https://proxy.acme/our-tools/grafana\n")
    return str(entry["api_key"])


def read(bundle: Path) -> dict[str, str]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_a_bundle_of_a_running_exporter_and_of_its_state(braze: SimulatedBraze, tmp_path: Path) -> None:
    key = configure(tmp_path, braze)
    with Daemon(tmp_path) as daemon:
        wait_for("it is polled", lambda: b"braze_cdi_up{" in ask(daemon.port, "/metrics").body)
        done = run_command(tmp_path, "support-bundle", "--output", "live.zip", "--url", f"127.0.0.1:{daemon.port}")
        assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "live.zip").stat().st_mode) == 0o600
    done = run_command(tmp_path, "support-bundle", "--output", "stored.zip", program=ALONE)
    assert done.returncode == 0, done.stderr
    assert "no metrics" in done.stderr
    live, stored = read(tmp_path / "live.zip"), read(tmp_path / "stored.zip")
    assert set(live) == {*stored, "metrics.txt"} == {"about.json", "config.yaml", "integrations.json", "metrics.txt"}
    for text in (*live.values(), *stored.values()):
        assert not [private for private in (*PRIVATE, key) if private in text]
    assert 'workspace="workspace-1"' in live["metrics.txt"]
    assert yaml.safe_load(live["config.yaml"])["workspaces"][0]["name"] == "workspace-1"
    for contents in (live, stored):
        (one,) = json.loads(contents["integrations.json"])
        assert (one["workspace"], one["integration"]["name"]) == ("workspace-1", "integration-1")
        assert one["integration"]["latest_sync"]["job_status"]
        assert json.loads(contents["about.json"])["integrations"] == 1
    assert "(...)" in live["integrations.json"]  # the note that names who is not watched


def test_nothing_is_overwritten_and_who_does_not_answer_is_told(braze: SimulatedBraze, tmp_path: Path) -> None:
    configure(tmp_path, braze)
    (tmp_path / "mine.zip").write_text("kept")
    refused = run_command(tmp_path, "support-bundle", "--output", "mine.zip")
    assert (refused.returncode, (tmp_path / "mine.zip").read_text()) == (1, "kept")
    assert "nothing is overwritten" in refused.stderr
    silent = run_command(tmp_path, "support-bundle", "--output", "new.zip", "--url", "http://n:secret@127.0.0.1:9")
    assert silent.returncode == 1
    assert "secret" not in silent.stderr
    assert not (tmp_path / "new.zip").exists()


def test_what_is_gone_is_told_without_its_new_name_or_id(braze: SimulatedBraze, tmp_path: Path) -> None:
    new_id = "other-id-of-acme"

    def change(world: World) -> None:
        first, second = world.workspaces["acme"].integrations
        world.rename_integration(first, "Nightshade " * 20)
        world.remove_integration(second)
        world.add_integration("acme", "acme secret project", integration_id=new_id)

    entry = workspace_entry(braze.world, "acme", braze.url)
    entry["integrations"] = entry["integrations"][1:]
    entry["discovery"] = {"enabled": True, "exclude": ["^Nightshade", "^acme"]}
    entry["poll"] = {"interval": "1s"}
    write_config(tmp_path, [entry])
    with Daemon(tmp_path) as daemon:
        wait_for("both are polled", lambda: len(peek(daemon.port, "braze_cdi_up")) == 2)
        braze.call(change)
        url = f"127.0.0.1:{daemon.port}"
        wait_for("both are gone", lambda: ask(daemon.port, "/metrics").text.count('problem="gone"') == 2)
        wait_for("the new id is told", lambda: new_id in ask(daemon.port, "/api/v1/status").text)
        done = run_command(tmp_path, "support-bundle", "--output", "bundle.zip", "--url", url)
        assert done.returncode == 0, done.stderr
    for text in read(tmp_path / "bundle.zip").values():
        assert "Nightshade" not in text
        assert new_id not in text
