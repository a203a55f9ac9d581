"""docs/http.md against the code: the same paths, fields, types and kinds, none missing and none extra."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.routing import Route

from exporter.domain.health import KINDS
from exporter.domain.limits import LIMITS
from exporter.domain.model import Sync, SyncStatus
from exporter.web.auth import _MOST_REMEMBERED, _MOST_WAITING
from exporter.web.integration_json import render_integration_json
from exporter.web.protocol import Limits
from exporter.web.security import FRESH_SECONDS
from exporter.web.selection import PAGE_SIZE, REFRESH_CHOICES
from exporter.web.status_json import SCHEMA_VERSION, document_integration, render_status_json
from exporter.web.view import ExporterStatus
from tests.unit.web.applications import Sources
from tests.unit.web.integration_samples import deep, hourly, with_detail
from tests.unit.web.samples import NOW, ago, bare, realistic_status, workspace

PAGE = (Path(__file__).parents[3] / "docs" / "http.md").read_text("utf-8")

INTEGRATION = "workspaces[].integrations[]."
SYNCS = ("latest_sync", "latest_finished_sync", "history[]")


def rows(heading: str) -> list[list[str]]:
    """The body of the first table after *heading*."""
    lines = PAGE.split(heading, 1)[1].splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("|---"))
    table: list[list[str]] = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return table


def documented() -> dict[str, str]:
    """Every field with its type, syncs written out."""
    fields = {row[0].strip("`"): row[1] for row in rows("## `/api/v1/status`")}
    fields |= {INTEGRATION + row[0].strip("`"): row[1] for row in rows("Below, each field")}
    for place in SYNCS:
        fields |= {f"{INTEGRATION}{place}.{row[0].strip('`')}": row[1] for row in rows("\nA sync:")}
    return fields


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field with a value it has; objects that map free names to values are leaves, limits are all alike."""
    if isinstance(value, dict) and not path.endswith((".labels", ".totals.syncs")):
        for name, member in value.items():
            shown = "*" if path.endswith(".limits") else name
            yield from walk_field(member, f"{path}.{shown}" if path else shown)


def walk_field(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield path + "[]", value
        for item in value:
            yield from walk(item, path + "[]")
    else:
        yield path, value
        yield from walk(value, path)


def fits(value: Any, documented_type: str) -> bool:
    kind, _, null = documented_type.partition(" or ")
    if value is None:
        return null == "null"
    if kind == "time":
        return datetime.fromisoformat(value).tzinfo is not None and value.endswith("Z")
    expected: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "boolean": (bool,),
        "integer": (int,),
        "number": (int, float),
        "object": (dict,),
        "sync": (dict,),
        "list": (list,),
        "list of syncs": (list,),
    }
    return isinstance(value, expected[kind]) and (kind == "boolean" or not isinstance(value, bool))


def bare_status() -> ExporterStatus:
    return ExporterStatus(NOW, "1", "abc", ago(hours=1), (workspace("w", [bare("n")]),))


def fields_of(status: ExporterStatus) -> list[tuple[str, Any]]:
    return list(walk(json.loads(render_status_json(status))))


def test_documented_fields_are_those_of_the_document() -> None:
    assert {path for path, _ in fields_of(realistic_status())} == set(documented())


def test_every_value_has_its_documented_type() -> None:
    types = documented()
    for path, value in fields_of(realistic_status()) + fields_of(bare_status()):
        assert fits(value, types[path]), (path, value, types[path])


def test_every_field_documented_as_null_is_null_somewhere() -> None:
    nulls = {path for path, value in fields_of(realistic_status()) + fields_of(bare_status()) if value is None}
    said = {path for path, documented_type in documented().items() if documented_type.endswith("or null")}
    # Of a history's syncs, and of finished ones, a sample need not show every gap.
    assert {path for path in said - nulls if not any(f"{sync}." in path for sync in SYNCS)} == set()
    assert nulls <= said


def test_documented_fields_of_one_integration_are_those_of_its_document() -> None:
    types = {row[0].strip("`"): row[1] for row in rows("## `/api/v1/integrations/{workspace}/{id}`")}
    types |= {f"past[].{row[0].strip('`')}": row[1] for row in rows("\nA sync:")}
    empty = with_detail(deep(syncs=()), requests=(), list_requests=())
    odd = deep(syncs=(Sync(ago(hours=1), SyncStatus.SUCCESS),))
    full = deep(syncs=tuple(map(hourly, range(30))))
    unanswered = full.detail.requests[0]._replace(remaining=None, limit=None, outcome="timeout")
    full = with_detail(full, requests=(*full.detail.requests, unanswered))
    fields = []
    for status in (empty, odd, full):
        document = json.loads(render_integration_json(status))
        assert document.pop("integration") == document_integration(status.workspace, status.detail.view, NOW)
        fields += list(walk(document))
    assert {path for path, _ in fields} == set(types) - {"integration"}
    for path, value in fields:
        assert fits(value, types[path]), (path, value, types[path])
    told = {path for path, kind in types.items() if kind.endswith("or null") and path[:7] != "list_re"}
    assert told <= {path for path, value in fields if value is None}


def test_schema_version_is_the_documented_one() -> None:
    assert rows("## `/api/v1/status`")[0][2] == str(SCHEMA_VERSION)


def test_documented_kinds_of_problems_are_those_of_the_code() -> None:
    told = {row[0].strip("`"): row[1] for row in rows("Kinds of problems")}
    assert set(told) == set(KINDS)
    assert set(told.values()) == {"critical", "warning"}


def test_no_problem_is_worse_than_documented() -> None:
    told = {row[0].strip("`"): row[1] for row in rows("Kinds of problems")}
    status = json.loads(render_status_json(realistic_status()))
    found = [
        (problem["kind"], problem["severity"])
        for workspace in status["workspaces"]
        for integration in workspace["integrations"]
        for problem in integration["problems"]
    ]
    assert len({kind for kind, _ in found}) > 8
    assert {kind for kind, severity in found if severity == "critical"} <= {k for k in told if told[k] == "critical"}


def test_documented_limits_are_those_of_the_code() -> None:
    (meaning,) = [row[2] for row in rows("Below, each field") if row[0] == "`limits`"]
    names = [*(key.name for key in LIMITS), "rows_synced_upper"]
    assert re.findall(r"`(\w+)`", meaning) == names
    (document,) = json.loads(render_status_json(bare_status()))["workspaces"]
    assert list(document["integrations"][0]["limits"]) == names


def test_documented_paths_are_those_served() -> None:
    app = Sources().build()
    served = {
        route.path.replace(":path", ""): ", ".join(sorted(route.methods or ()))
        for route in app.routes
        if isinstance(route, Route)
    }
    assert {row[0].strip("`"): row[1] for row in rows("# What the exporter serves")} == served


def test_documented_figures_of_passwords_and_freshness_are_those_in_force() -> None:
    section = PAGE.split("## TLS and passwords", 1)[1].split("\n## ", 1)[0]
    assert f"{_MOST_WAITING} may wait" in section
    assert f"the {_MOST_REMEMBERED} pairs used last" in section
    assert f"every {FRESH_SECONDS:.0f} seconds" in section


def test_documented_query_parameters_and_limits_are_those_in_force() -> None:
    parameters = {re.split("[=`]", row[0])[1]: " ".join(row) for row in rows("## The status page")}
    assert set(parameters) == {"workspace", "q", "only", "refresh", "page"}
    assert tuple(int(number) for number in re.findall(r"\d+", parameters["refresh"])) == REFRESH_CHOICES
    assert str(PAGE_SIZE) in parameters["page"]
    numbers = [int(number) for number in re.findall(r"\d+", PAGE.split("## Limits", 1)[1])]
    limits = Limits()
    assert numbers == [
        limits.handshake_seconds,
        limits.request_seconds,
        limits.answer_seconds,
        limits.idle_seconds,
        limits.connections,
        limits.stop_seconds,
    ]
    assert f"{limits.header_bytes // 1024} KiB" in PAGE
