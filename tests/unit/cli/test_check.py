"""`check` says the same in three formats: what is wrong and where, what it costs, and the schema on request."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exporter.app.commands import CheckResult
from exporter.cli import main
from exporter.cli.checking import Outcome, render_github, render_json, render_text
from exporter.config.json_schema import config_schema
from exporter.config.load import load_config

WORKSPACE = (
    "workspaces:\n- {name: crm, instance: US-03, api_key: k, rate_limit: {share: 0.02}, "
    "integrations: [{id: a}, {id: b}, {id: c}]}\n"
)
UNSERVED = "job_sync_status cannot be asked every 1m: raise the limit, the share or the interval"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(WORKSPACE)
    return tmp_path / "config.yaml"


def check(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments])


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_standard_output_is_the_reports_also_where_there_is_none(form: str, file: Path) -> None:
    file.write_text("workspaces: 5\n")
    done = check("--online", "--report", "--format", form)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "workspaces" in done.stderr


def test_the_plan_is_one_table_of_all_workspaces(file: Path) -> None:
    file.write_text(f"{WORKSPACE}- {{name: shop, instance: EU-01, api_key: k}}\n")
    done = check()
    assert done.exit_code == 0
    head, *rows = done.stdout.splitlines()[:7]
    assert head.split("  ")[0] == "WORKSPACE"
    assert [row.split()[0] for row in rows] == ["crm"] * 3 + ["shop"] * 3
    assert {row[head.index("KEY MAY LIST") :].split()[0] for row in rows} == {"yes", "no"}
    assert f"crm: {UNSERVED}" in done.stdout.splitlines()
    assert done.stdout.endswith("\nconfig.yaml is good\n")


def test_as_json_it_says_what_it_costs(file: Path) -> None:
    done = check("--format=json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["good"], told["errors"], told["online"]) == (0, True, [], [])
    assert told["plan"][2]["requests_per_minute"] == 3
    assert (told["plan"][2]["workspace"], told["plan"][2]["interval_in_effect_seconds"]) == ("crm", 91.5)


def test_errors_are_told_in_each_format(file: Path) -> None:
    file.write_text(WORKSPACE.replace("instance: US-03", "instanec: US-03"))
    texts = {form: check(f"--format={form}") for form in ("text", "json", "github")}
    assert {done.exit_code for done in texts.values()} == {2}
    assert texts["text"].stdout == ""
    assert "config.yaml:2: workspaces[0].instanec: is not a known key (did you mean instance?)" in texts["text"].stderr
    told = json.loads(texts["json"].stdout)
    assert told["errors"][-1] == {
        "file": "config.yaml",
        "line": 2,
        "key": "workspaces[0].instanec",
        "problem": "is not a known key",
        "remedy": "did you mean instance?",
    }
    assert (told["good"], told["verdict"]) == (False, "config.yaml will not work as it is")
    *annotations, verdict = texts["github"].stdout.splitlines()
    title = "title=workspaces[0].instanec"
    assert annotations[-1] == f"::error file=config.yaml,line=2,{title}::is not a known key (did you mean instance?)"
    assert len(annotations) == len(told["errors"]) == 2
    assert verdict == "config.yaml will not work as it is"


def test_an_annotation_escapes_what_would_end_it(file: Path) -> None:
    results = (CheckResult("a,b:c%", False, "100% of\nit"), CheckResult("w", False, "no answer", conclusive=False))
    outcome = Outcome("config.yaml", load_config(str(file), environ={}), results=results)
    assert render_github(outcome).splitlines()[1:] == [
        f"::warning file=config.yaml,title=crm::{UNSERVED}",
        "::error file=config.yaml,title=a%2Cb%3Ac%25::100%25 of%0Ait",
        "::warning file=config.yaml,title=w::no answer",
        "config.yaml will not work as it is",
    ]
    assert json.loads(render_json(outcome))["online"][1]["conclusive"] is False
    assert render_text(outcome).endswith("\na,b:c%: ERROR: 100% of\nit\nw: NOT CHECKED: no answer")


def test_the_schema_needs_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = check("--schema")
    assert (done.exit_code, json.loads(done.stdout)) == (0, config_schema())
