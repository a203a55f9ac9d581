"""Whatever record decoding lets through, every view for people shows it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.app.commands import Visible, _coverage, _unknown
from exporter.cli.tables import render_table, render_yaml
from exporter.domain.decode import decode_job_sync_status
from exporter.domain.detail import Detail
from exporter.domain.ledger import Page, Walk, absorb
from exporter.domain.listing import decode_integrations
from exporter.domain.model import Integration
from exporter.domain.past import Past
from exporter.domain.settings import WorkspaceSettings
from exporter.web.integration_json import render_integration_json
from exporter.web.integration_page import IntegrationPage
from exporter.web.selection import Selection
from exporter.web.status_page import StatusPage
from exporter.web.view import ExporterStatus, IntegrationStatus, WorkspaceStatus
from tests.json_values import RECORDS, TIMES
from tests.states import WATCH, show, state_of
from tests.unit.web.samples import render_status_json

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGE = StatusPage(telemetry_path="/metrics")
INTEGRATION_PAGE = IntegrationPage()
TEXTS = st.text(max_size=30) | st.sampled_from(["running", "a" * 300, "\ud800<script>", "\u202e", "\x00"])
LISTED = st.fixed_dictionaries(
    {"integration_id": st.just("id-1")},
    optional={
        **dict.fromkeys(("integration_name", "integration_type", "integration_status", "warehouse_type"), TEXTS),
        **dict.fromkeys(("last_job_start_time", "next_scheduled_run", "last_updated_at"), TIMES),
        "last_job_status": TEXTS,
    },
)
BACKWARDS = {
    "job_status": "success",
    "sync_start_time": "2026-03-01T11:00:00Z",
    "sync_finish_time": "2026-03-01T10:00:00Z",
    "rows_synced": 1,
}
OLDEST = {**BACKWARDS, "sync_start_time": "0001-01-01T00:00:00Z", "last_timestamp_synced": "9999-12-31T23:59:59Z"}


@given(st.lists(RECORDS, max_size=3), st.lists(LISTED, max_size=1), st.integers(-(10**6), 10**9))
@settings(max_examples=30)
@example([BACKWARDS], [], 0)
@example([OLDEST], [{"integration_id": "id-1", "next_scheduled_run": "9999-12-31T23:59:59-23:59"}], 10**9)
def test_page_and_json_show_whatever_was_decoded(records: list[Any], listed: list[Any], seconds: int) -> None:
    syncs = decode_job_sync_status({"results": records}, NOW).syncs
    listing = decode_integrations({"results": listed}).integrations
    ledger = absorb(None, Walk(), Page(syncs, last=True), now=NOW, max_pages=1).ledger
    view = show(ledger, next(iter(listing), None), judged_at=NOW)
    status = ExporterStatus(
        NOW + timedelta(seconds=seconds), "1", "r", NOW, (WorkspaceStatus("w", "https://rest", 60.0, (view,)),)
    )
    assert b"could not be shown" not in PAGE.render(status, Selection())
    (workspace,) = json.loads(render_status_json(status))["workspaces"]
    assert [one["id"] for one in workspace["integrations"]] == ["i"]
    past = Past().extend(sync for sync in syncs if sync.finished)
    detail = Detail(state_of(ledger, next(iter(listing), None), judged_at=NOW), view, WATCH, past)
    deep = IntegrationStatus(status.now, status.workspaces[0], detail)
    assert b"<html" in INTEGRATION_PAGE.render(deep, None, "/")
    assert json.loads(render_integration_json(deep))["integration"]["id"] == "i"


@given(st.lists(LISTED, min_size=1, max_size=2))
@settings(max_examples=60)
@example([{"integration_id": "id-1", "integration_name": "\x1b[31mred\u202e\nx: 1"}])
def test_commands_print_whatever_was_listed_as_printable_lines(records: list[Any]) -> None:
    listed = decode_integrations({"results": records}).integrations
    visible = [Visible("w", listed)]
    assert all(line.isprintable() for line in render_table(visible).split("\n"))
    assert len(render_table(visible).split("\n")) == 1 + len(listed)
    pasted = render_yaml(visible)
    assert all(line.isprintable() for line in pasted.split("\n"))
    assert [one["id"] for one in yaml.safe_load(pasted)["integrations"]] == [one.integration_id for one in listed]
    results = _coverage(WorkspaceSettings("w", "https://rest"), listed)
    results += [_unknown(Integration("w", one.integration_id, one.integration_name), listed) for one in listed]
    assert len(results) > len(listed)
    assert all(str(result).isprintable() for result in results)


def test_a_view_that_fails_costs_its_row_and_a_note_says_so() -> None:
    good = show(None, judged_at=NOW)
    odd: Any = "not a time"
    broken = replace(good, integration=replace(good.integration, integration_id="odd"), expected_run_at=odd)
    status = ExporterStatus(NOW, "1", "r", NOW, (WorkspaceStatus("w", "https://rest", 60.0, (broken, good)),))
    html = PAGE.render(status, Selection()).decode()
    assert "<code>i</code>" in html
    assert "1 could not be shown because of a defect of the exporter; please report it: odd" in html
    (workspace,) = json.loads(render_status_json(status))["workspaces"]
    assert [one["id"] for one in workspace["integrations"]] == ["i"]
    assert "odd" in workspace["notes"][0]
