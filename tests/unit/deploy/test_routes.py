"""The example of Alertmanager loads, sends each alert where it belongs, and names only alerts that exist."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.components import component

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
SETTINGS: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
ALERTS = {
    rule["alert"]
    for file in (ROOT / "deploy" / "prometheus" / "rules").glob("*.rules.yml")
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


def check(config: Path) -> None:
    run = subprocess.run([component("amtool"), "check-config", config], capture_output=True, check=False)
    assert run.returncode == 0, run.stdout.decode() + run.stderr.decode()


def test_alertmanager_takes_the_example() -> None:
    check(CONFIG)


def test_alertmanager_takes_the_receivers_shown_in_comments(tmp_path: Path) -> None:
    shown = re.findall(r"^  # .*With (?:PagerDuty|Slack|mail).*:\n((?:  #   .*\n)+)", CONFIG.read_text(), re.MULTILINE)
    assert len(shown) == 3
    receivers = [
        {"name": f"shown-{number}"} | yaml.safe_load(re.sub(r"^  #   ", "", block, flags=re.MULTILINE))
        for number, block in enumerate(shown)
    ]
    assert all("_file: /" in block for block in shown)
    copy = tmp_path / "alertmanager.yml"
    copy.write_text(yaml.safe_dump(SETTINGS | {"receivers": [*SETTINGS["receivers"], *receivers]}))
    check(copy)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("severity=critical", "page"),
        ("severity=warning", "ticket"),
        ("severity=info", "log"),
        ("severity=critical team=crm", "crm-page"),
        ("severity=warning team=crm", "crm-ticket"),
        ("severity=info team=crm", "log"),
        ("severity=critical team=unheard-of", "page"),
        ("severity=warning team=unheard-of", "ticket"),
        ("alertname=NotOurs", "ticket"),
    ],
)
def test_an_alert_goes_to_its_receiver(labels: str, receiver: str) -> None:
    run = subprocess.run(
        [component("amtool"), "config", "routes", "test", f"--config.file={CONFIG}", *labels.split()],
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    assert run.stdout.decode().split() == [receiver]


def test_messages_are_grouped_by_workspace_and_integration() -> None:
    assert SETTINGS["route"]["group_by"] == ["cluster", "namespace", "workspace", "integration_id"]


def test_inhibitions_name_only_alerts_that_exist() -> None:
    named = set(re.findall(r"BrazeCDI\w+", yaml.safe_dump(SETTINGS["inhibit_rules"], width=10_000)))
    assert named
    assert named <= ALERTS


def test_only_the_loss_of_all_exporters_holds_back_other_workspaces() -> None:
    unbounded = [rule["source_matchers"] for rule in SETTINGS["inhibit_rules"] if "workspace" not in rule["equal"]]
    assert unbounded == [['alertname="BrazeCDIExporterDown"']]


def test_no_installation_holds_back_alerts_of_another() -> None:
    assert all({"cluster", "namespace"} <= set(rule["equal"]) for rule in SETTINGS["inhibit_rules"])


@pytest.mark.parametrize("cause", ["BrazeCDIWorkspacePollsFailing", "BrazeCDIKeyRejected", "BrazeCDIPermissionMissing"])
def test_an_alert_about_a_workspace_stands_for_those_about_its_polls(cause: str) -> None:
    held = " ".join(
        matcher
        for rule in SETTINGS["inhibit_rules"]
        if any(cause in source for source in rule["source_matchers"])
        for matcher in rule["target_matchers"]
    )
    assert {"BrazeCDIIntegrationPollsFailing", "BrazeCDIIntegrationStale"} <= set(re.findall(r"BrazeCDI\w+", held))
    assert "BrazeCDISync" not in held


def test_an_integrations_page_holds_back_its_own_tickets_only() -> None:
    (rule,) = (rule for rule in SETTINGS["inhibit_rules"] if 'severity="critical"' in rule["source_matchers"])
    assert rule["equal"] == ["cluster", "namespace", "workspace", "integration_id"]
    # A label that is missing on both sides is equal too: without this an alert about a workspace would hold back all.
    assert 'integration_id!=""' in rule["source_matchers"]
    assert 'integration_id!=""' in rule["target_matchers"]
