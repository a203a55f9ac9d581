"""Page and JSON lead to an integration's pages in Braze and Grafana, and say how long Braze keeps row errors."""

import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from exporter.app.exporter import Exporter
from exporter.app.sources import build_sources
from exporter.config.keys import FixedKey
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.domain.dashboard import link_fleet, link_grafana
from exporter.domain.model import Integration
from exporter.domain.settings import WorkspaceSettings
from exporter.log import build_log
from exporter.metrics.self_metrics import SelfMetrics
from exporter.state.store import MemoryStore
from exporter.web.integration_json import render_integration_json
from exporter.web.integration_page import IntegrationPage
from exporter.web.selection import Selection
from exporter.web.status_page import StatusPage
from exporter.web.view import ExporterStatus
from tests.unit.web.integration_samples import deep, hourly
from tests.unit.web.samples import NOW, ago, render_status_json, view, workspace
from tests.virtual_time import VirtualClock, run
from tools.dashboards.reading import dashboards

DASHBOARD = "https://dashboard-03.braze.com"
GRAFANA = "https://ops.example.org/grafana"
LATEST = ago(minutes=6)


def status(dashboard_url: str, *statuses: str) -> ExporterStatus:
    one = replace(workspace("w", [view("users", statuses, latest_at=LATEST)]), dashboard_url=dashboard_url)
    return ExporterStatus(NOW, "1", "", ago(hours=1), (one,))


def shown(of: ExporterStatus) -> tuple[str, dict[str, Any]]:
    (one,) = json.loads(render_status_json(of))["workspaces"]
    return StatusPage(telemetry_path="/metrics").render(of, Selection()).decode(), one["integrations"][0]


def test_page_and_json_link_to_the_integration() -> None:
    html, document = shown(status(DASHBOARD, "success"))
    link = f"{DASHBOARD}/integrations/cloud_data_ingestion/{document['id']}"
    assert document["dashboard_url"] == link
    assert f'<a class="line" href="{link}" rel="noreferrer">open in Braze</a>' in html
    assert (document["row_errors_until"], "row errors" in html) == (None, False)


def test_where_the_dashboard_is_not_known_there_is_no_link() -> None:
    html, document = shown(status("", "success"))
    assert (document["dashboard_url"], "in Braze</a>" in html) == (None, False)


def test_an_address_cannot_leave_its_attribute() -> None:
    html, _ = shown(status('https://d" onclick="x', "success"))
    assert 'onclick="x' not in html
    assert 'onclick="x' in unescape(html)


def test_row_errors_can_be_read_for_thirty_days() -> None:
    html, document = shown(status(DASHBOARD, "success", "partial", "success"))
    until = LATEST - timedelta(minutes=15) + timedelta(days=30, seconds=102)
    assert document["row_errors_until"] == f"{until:%Y-%m-%dT%H:%M:%S}Z"
    assert f"row errors in Braze until {until:%Y-%m-%d}</span>" in html


def test_the_page_of_one_integration_leads_there_too() -> None:
    deep_status = deep("users", [hourly(30)])
    known = replace(deep_status, workspace=replace(deep_status.workspace, dashboard_url=DASHBOARD))
    html = IntegrationPage().render(known, None, "../../").decode()
    assert f'<a href="{DASHBOARD}/integrations/cloud_data_ingestion/abc" rel="noreferrer">Braze</a>' in html
    assert f"row errors can be read in Braze until {hourly(30).finished_at + timedelta(days=30):%Y-%m-%d}<" in html
    assert "Braze</a>" not in IntegrationPage().render(deep_status, None, "../../").decode()


def test_the_dashboard_is_the_configured_one_or_that_of_the_endpoint() -> None:
    async def look(clock: VirtualClock) -> tuple[list[tuple[str, str]], str]:
        log = build_log("error", "logfmt", io.StringIO())
        exporter = Exporter(store=MemoryStore(), self_metrics=SelfMetrics(), clock=clock, log=log)
        settings = (
            WorkspaceSettings("derived", "https://rest.iad-03.braze.com", integrations=(Integration("d", "a", "a"),)),
            WorkspaceSettings("given", "https://rest.iad-03.braze.com", dashboard_url="https://proxy.example.org"),
            WorkspaceSettings("unknown", "https://proxy.example.org", grafana_url=GRAFANA),
        )
        exporter.apply(Config(tuple(ConfiguredWorkspace(one, FixedKey("not-a-real-key")) for one in settings)))
        sources = build_sources(exporter, clock, str, None)
        found = [(one.dashboard_url, one.grafana_url) for one in (await sources.status()).workspaces]
        changed = replace(settings[1], dashboard_url="https://other.example.org")
        exporter.apply(
            Config(tuple(ConfiguredWorkspace(one, FixedKey("k")) for one in (settings[0], changed, settings[2])))
        )
        page = exporter.self_metrics.render(openmetrics=False).decode()
        await exporter.close()
        return found, page

    found, page = run(look, start=NOW)
    assert found == [(DASHBOARD, ""), ("https://proxy.example.org", ""), ("", GRAFANA)]
    assert re.findall(r'workspace_info\{workspace="(\w+)",dashboard_url="(.*)"\} 1', page) == [
        ("derived", DASHBOARD),
        ("given", "https://other.example.org"),
        ("unknown", ""),
    ]


def test_page_and_json_of_an_integration_lead_to_its_dashboard_in_grafana() -> None:
    deep_status = deep("users", [hourly(30)], space='a & "b"/ö')
    known = replace(deep_status, workspace=replace(deep_status.workspace, grafana_url=GRAFANA))
    link = f"{GRAFANA}/d/braze-cdi-integration?var-workspace=a%20%26%20%22b%22%2F%C3%B6&var-integration=abc"
    html = IntegrationPage().render(known, None, "../../").decode()
    assert f'<a href="{link.replace("&", "&amp;")}" rel="noreferrer">Grafana</a>' in html
    assert json.loads(render_integration_json(known))["integration"]["grafana_url"] == link
    assert "Grafana</a>" not in IntegrationPage().render(deep_status, None, "../../").decode()
    assert json.loads(render_integration_json(deep_status))["integration"]["grafana_url"] is None


def test_the_status_page_leads_to_the_dashboard_of_all_integrations() -> None:
    plain = status("", "success")
    known = replace(plain, workspaces=(replace(plain.workspaces[0], grafana_url=GRAFANA),))
    html, document = shown(known)
    assert f'<a href="{GRAFANA}/d/braze-cdi-fleet" rel="noreferrer">Grafana</a>' in html
    assert document["grafana_url"].startswith(f"{GRAFANA}/d/braze-cdi-integration?var-workspace=w&")
    for without in (plain, replace(plain, workspaces=())):
        assert "Grafana</a>" not in StatusPage(telemetry_path="/metrics").render(without, Selection()).decode()


@pytest.mark.parametrize("link", [link_fleet(GRAFANA), link_grafana(GRAFANA, "w", "abc")])
def test_grafana_knows_the_dashboards_and_variables_that_links_name(link: str) -> None:
    address = urlsplit(link)
    dashboard = dashboards()[address.path.removeprefix("/grafana/d/")]
    chosen = {name.removeprefix("var-") for name in parse_qs(address.query)}
    assert chosen <= {variable["name"] for variable in dashboard["templating"]["list"]}
    assert bool(chosen) == ("integration" in address.path.rpartition("-")[2])
