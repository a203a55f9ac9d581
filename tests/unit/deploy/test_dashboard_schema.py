"""
The dashboards have the shape that Grafana's own types ask for, judged by the TypeScript compiler.

`tools/fetch-grafana-schema` fetches the types; where it could not, this is left out, loudly.
"""

import copy
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.components import component, leave_out
from tools.dashboards.reading import ROOT, Json, dashboards, panels

FETCHED = ROOT / ".tools" / "grafana-schema"
COMPILER = FETCHED / "node_modules" / "typescript" / "bin" / "tsc"
SHAPES = ROOT / "tools" / "grafana-schema" / "shapes.ts"
STRICT = ("--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "node16")


def parts(dashboard: Json) -> Iterator[tuple[str, object]]:
    """The parts of a dashboard's JSON, each with the type of shapes.ts that it must have."""
    yield "Frame", {key: value for key, value in dashboard.items() if key not in {"annotations", "panels"}}
    assert set(dashboard["annotations"]) == {"list"}
    for annotation in dashboard["annotations"]["list"]:
        yield "Annotation", annotation
    for panel in dashboard["panels"]:
        kind = panel["type"]
        yield ("Row" if kind == "row" else f"PanelJson<'{kind}'>"), panel
    for panel in panels(dashboard):
        for override in panel["fieldConfig"]["overrides"]:
            for changed in override["properties"]:
                name = changed["id"].removeprefix("custom.")
                shape = "Override" if name == changed["id"] else f"CustomOverride<'{panel['type']}'>"
                yield shape, {name: changed["value"]}


def written(parts: Iterator[tuple[str, object]]) -> str:
    """The parts as TypeScript."""
    constants = (
        f"export const part{number}: shapes.{shape} = {json.dumps(value)};"
        for number, (shape, value) in enumerate(parts)
    )
    return "\n".join(["import type * as shapes from './shapes';", *constants])


def judge(folder: Path, *sources: str) -> str:
    """What the compiler finds wrong with each of *sources*; its lines name them 0.ts, 1.ts and so on."""
    node = component("node")
    if not COMPILER.exists():
        leave_out("what tools/fetch-grafana-schema fetches is missing")
    (folder / "node_modules").symlink_to(FETCHED / "node_modules")
    shutil.copy(SHAPES, folder)
    files = []
    for number, source in enumerate(sources):
        files.append(folder / f"{number}.ts")
        files[-1].write_text(source)
    run = subprocess.run([node, COMPILER, *STRICT, *files], cwd=folder, capture_output=True, text=True, check=False)
    assert (run.returncode == 0) == (run.stdout == ""), run.stdout + run.stderr
    return run.stdout


def test_every_dashboard_has_the_shape_that_grafana_documents(tmp_path: Path) -> None:
    assert judge(tmp_path, *(written(parts(dashboard)) for dashboard in dashboards().values())) == ""


def test_the_check_sees_what_is_wrong(tmp_path: Path) -> None:
    good = dashboards()["braze-cdi-fleet"]
    of_kind = {panel["type"]: number for number, panel in enumerate(good["panels"])}

    def spoilt(kind: str, *path: str, value: object) -> str:
        bad = copy.deepcopy(good)
        place = bad["panels"][of_kind[kind]] if kind else bad
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return written(parts(bad))

    found = judge(
        tmp_path,
        spoilt("", "refreshh", value="1m"),
        spoilt("timeseries", "options", "legend", "placement", value="under"),
        spoilt("timeseries", "fieldConfig", "defaults", "custom", "fillOpacityy", value=1),
        spoilt("stat", "options", "textMode", value=1),
        spoilt(
            "table",
            "fieldConfig",
            "overrides",
            value=[{"matcher": {"id": "byName"}, "properties": [{"id": "custom.widht", "value": 1}]}],
        ),
        spoilt("bargauge", "gridPos", value={"x": 0, "y": 0, "w": "24", "h": 1}),
    )
    for number in range(6):
        assert f"{number}.ts(" in found, found
