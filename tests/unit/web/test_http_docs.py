"""docs/http.md, the schema that is served, and the code: the same paths, fields, types and kinds."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from starlette.routing import Route

from exporter.domain.limits import LIMITS
from exporter.domain.model import Sync, SyncStatus
from exporter.web.auth import _MOST_CHECKS, _MOST_REMEMBERED
from exporter.web.documents import schema
from exporter.web.integration_json import render_integration_json
from exporter.web.protocol import Limits
from exporter.web.security import FRESH_SECONDS
from exporter.web.selection import PAGE_SIZE, REFRESH_CHOICES
from exporter.web.status_json import SCHEMA_VERSION, document_integration
from exporter.web.view import ExporterStatus
from tests.unit.web.applications import Sources, call
from tests.unit.web.integration_samples import deep, hourly, with_detail
from tests.unit.web.samples import NOW, ago, bare, realistic_status, render_status_json, workspace

PAGE = (Path(__file__).parents[3] / "docs" / "http.md").read_text("utf-8")


def rows(heading: str, page: str = PAGE) -> list[list[str]]:
    """The body of the first table after *heading*."""
    lines = page.split(heading, 1)[1].splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("|---"))
    table: list[list[str]] = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return table


def bare_status() -> ExporterStatus:
    return ExporterStatus(NOW, "1", "abc", ago(hours=1), (workspace("w", [bare("n")]),))


def holds(whole: Any, part: Any) -> bool:
    """Whether a JSON value is *part*, but for fields that are left out there."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(name in whole and holds(whole[name], member) for name, member in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return len(whole) == len(part) and all(map(holds, whole, part))
    return bool(whole == part)


def validate(name: str, document: Any) -> None:
    """Fail where a document is not what the schema says, all of it and nothing else."""
    whole = schema()
    for definition in (whole, *whole["$defs"].values()):
        assert set(definition["required"]) == set(definition["properties"])
        definition["additionalProperties"] = False
    part = whole if not name else {**whole["$defs"][name], "$defs": whole["$defs"]}
    Draft202012Validator(part, format_checker=FormatChecker()).validate(document)


def test_the_status_is_as_its_schema_says_when_much_is_known_and_when_nothing_is() -> None:
    requests = deep().detail.requests
    asked = replace(realistic_status().workspaces[0], requests=(*requests, requests[0]._replace(remaining=None)))
    for status in (realistic_status(), bare_status(), replace(bare_status(), workspaces=(asked,))):
        validate("", json.loads(render_status_json(status)))


def test_an_integration_is_as_its_schema_says() -> None:
    empty = with_detail(deep(syncs=()), requests=(), list_requests=())
    odd = deep(syncs=(Sync(ago(hours=1), SyncStatus.SUCCESS),))
    full = deep(syncs=tuple(map(hourly, range(30))))
    unanswered = full.detail.requests[0]._replace(remaining=None, limit=None, outcome="timeout")
    for status in (empty, odd, with_detail(full, requests=(*full.detail.requests, unanswered))):
        document = json.loads(render_integration_json(status))
        validate("DetailDocument", document)
        assert document["integration"] == document_integration(status.workspace, status.detail.view, NOW)


def test_notes_are_the_same_short_lines_in_both_documents() -> None:
    one = deep()
    odd = replace(one, workspace=replace(one.workspace, notes=("Nobody watches a\n\u202eb", "x" * 9000)))
    (told,) = json.loads(render_status_json(replace(realistic_status(), workspaces=(odd.workspace,))))["workspaces"]
    assert json.loads(render_integration_json(odd))["notes"] == told["notes"]
    assert all(note.isprintable() and len(note) <= 1000 for note in told["notes"])


def test_the_schema_is_served() -> None:
    answer = call(Sources(), "GET", "/api/v1/schema")
    assert answer.headers["content-type"] == "application/schema+json"
    assert answer.json() == schema()


def test_the_example_is_what_is_served() -> None:
    example = json.loads(PAGE.split("```json", 1)[1].split("```", 1)[0])
    served = json.loads(render_status_json(realistic_status()))
    (one,) = (one for space in served["workspaces"] for one in space["integrations"] if one["id"] == example["id"])
    assert holds(one, example)
    assert len(example) > 5


def test_schema_version_is_the_documented_one() -> None:
    assert json.loads(render_status_json(bare_status()))["schema_version"] == SCHEMA_VERSION == 1


def test_no_problem_is_worse_than_documented() -> None:
    alerting = (Path(__file__).parents[3] / "docs" / "alerting.md").read_text("utf-8")
    critical = {kind for row in rows("## Problems", alerting) if "critical" in row[0] for kind in row[1].split(", ")}
    status = json.loads(render_status_json(realistic_status()))
    found = [
        (problem["kind"], problem["severity"])
        for workspace in status["workspaces"]
        for integration in workspace["integrations"]
        for problem in integration["problems"]
    ]
    assert len({kind for kind, _ in found}) > 8
    assert {f"`{kind}`" for kind, severity in found if severity == "critical"} <= critical


def test_the_limits_are_those_of_the_configuration() -> None:
    (document,) = json.loads(render_status_json(bare_status()))["workspaces"]
    assert list(document["integrations"][0]["limits"]) == [*(key.name for key in LIMITS), "rows_synced_upper"]


def test_documented_paths_are_those_served() -> None:
    app = Sources().build()
    served = {
        route.path.replace(":path", ""): ", ".join(sorted(route.methods or ()))
        for route in app.routes
        if isinstance(route, Route)
    }
    assert {row[0].strip("`"): row[1] for row in rows("# HTTP and JSON")} == served


def test_documented_figures_of_passwords_and_freshness_are_those_in_force() -> None:
    section = PAGE.split("## TLS and passwords", 1)[1].split("\n## ", 1)[0]
    assert f"{_MOST_CHECKS} may wait" in section
    assert f"the {_MOST_REMEMBERED} pairs used last" in section
    assert f"every {FRESH_SECONDS:.0f} seconds" in section


def test_documented_query_parameters_and_limits_are_those_in_force() -> None:
    parameters = {re.split("[=`]", row[0])[1]: " ".join(row) for row in rows("## The status page")}
    assert set(parameters) == {"workspace", "q", "status", "problem", "team", "only", "healthy", "refresh", "page"}
    assert tuple(int(number) for number in re.findall(r"\d+", parameters["refresh"])) == REFRESH_CHOICES
    assert str(PAGE_SIZE) in parameters["page"]
    numbers = [int(number) for number in re.findall(r"\d+", PAGE.split("## Limits", 1)[1])]
    limits = Limits()
    assert numbers == [
        limits.handshake_seconds,
        limits.request_seconds,
        limits.header_bytes // 1024,
        limits.answer_seconds,
        limits.idle_seconds,
        limits.connections,
        limits.stop_seconds,
    ]
