"""
`check`, and what it prints: text for people, JSON for programs, annotations for the checks of GitHub.

Decides the words of the verdict: what Braze did not answer is no error of the configuration.
"""

# ruff: noqa: PLC0415 - `check` alone needs no client, so what asks Braze is imported where it is asked

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.app.output import OutputError, replace_file
from exporter.cli.tables import in_columns
from exporter.config.errors import ConfigError, FieldError
from exporter.config.json_schema import config_schema
from exporter.config.load import Config, load_config
from exporter.config.network import describe
from exporter.config.plan import HEADINGS, PlannedRequests, describe_history, describe_limits, plan_requests

if TYPE_CHECKING:
    from exporter.app.commands import CheckResult


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a configuration; *config* is None where the file has *errors*."""

    file: str
    config: Config | None = None
    errors: Sequence[FieldError] = ()
    results: Sequence["CheckResult"] = ()
    """Of asking Braze."""

    @property
    def good(self) -> bool:
        return not self.errors and all(result.good for result in self.results)

    @property
    def verdict(self) -> str:
        if self.good:
            return f"{self.file} is good"
        if self.errors or any(not result.good and result.conclusive for result in self.results):
            return f"{self.file} will not work as it is"
        unasked = dict.fromkeys(result.workspace for result in self.results if not result.good)
        return f"{self.file} has no errors, but Braze could not be asked about {', '.join(unasked)}; try again"

    @property
    def plan(self) -> list[PlannedRequests]:
        workspaces = self.config.workspaces if self.config is not None else ()
        return [planned for workspace in workspaces for planned in plan_requests(workspace.settings)]


def print_schema() -> None:
    """Print the JSON Schema of the configuration."""
    click.echo(json.dumps(config_schema(), indent=2))


def run_check(file: str, *, online: bool, report: str | None, form: str) -> bool:
    """Check the configuration, print the outcome in *form*, and return whether it is good."""
    aside = report is not None  # standard output is the report's then
    try:
        config = load_config(file, environ=os.environ)
    except ConfigError as error:
        click.echo(RENDERERS[form](Outcome(file, errors=error.errors)), err=aside or form == "text")
        return False
    outcome = Outcome(file, config, results=_ask(config) if online else ())
    click.echo(RENDERERS[form](outcome), err=aside)
    if report is not None and not _report(config, report):
        return False
    if form == "text":
        click.echo(outcome.verdict, err=aside or not outcome.good)
    return outcome.good


def _ask(config: Config) -> "Sequence[CheckResult]":
    import asyncio

    from exporter.app.commands import check_online

    return asyncio.run(check_online(config))


def _report(config: Config, place: str) -> bool:
    """Write the field report to standard output (`-`) or to a file; return whether that was possible."""
    import asyncio

    from exporter.app.field_report import field_report
    from exporter.domain.field_report import ReportLeaksError

    try:
        text = asyncio.run(field_report(config))
        if place == "-":
            click.echo(text, nl=False)
        else:
            with replace_file(Path(place)) as stream:
                stream.write(text.encode())
    except (ReportLeaksError, OutputError) as error:
        click.echo(str(error), err=True)
        return False
    return True


def render_text(outcome: Outcome) -> str:
    """Return every error, or the plan as a table, and what else there is to say, without the verdict."""
    if outcome.config is None:
        return "\n".join(map(str, outcome.errors))
    lines = [in_columns([HEADINGS, *(planned.as_row() for planned in outcome.plan)])]
    lines += [f"{planned.workspace}: {planned.warning}" for planned in outcome.plan if not planned.served]
    for workspace in outcome.config.workspaces:
        settings = workspace.settings
        lines += [describe_history(settings), *describe_limits(settings)]
        lines += describe(settings.name, settings.rest_endpoint, workspace.network)
    lines += [
        f"{result.workspace}: {_MARKS[result.good, result.conclusive]}{result.text}" for result in outcome.results
    ]
    return "\n".join(lines)


_MARKS = {(True, True): "", (False, True): "ERROR: ", (False, False): "NOT CHECKED: "}


def render_json(outcome: Outcome) -> str:
    """Return one object with all that is known."""
    content = {
        "file": outcome.file,
        "good": outcome.good,
        "verdict": outcome.verdict,
        "errors": [asdict(error) for error in outcome.errors],
        "plan": [asdict(planned) for planned in outcome.plan],
        "online": [asdict(result) for result in outcome.results],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def render_github(outcome: Outcome) -> str:
    """Return a workflow command for each error and each interval that cannot be kept, and the verdict."""
    return "\n".join([*_annotations(outcome), outcome.verdict])


def _annotations(outcome: Outcome) -> Iterator[str]:
    for error in outcome.errors:
        yield _annotation("error", error.file, error.key, f"{error.problem} ({error.remedy})", error.line)
    for planned in outcome.plan:
        if not planned.served:
            yield _annotation("warning", outcome.file, planned.workspace, planned.warning)
    for result in outcome.results:
        if not result.good:
            kind = "error" if result.conclusive else "warning"
            yield _annotation(kind, outcome.file, result.workspace, result.text)


def _annotation(kind: str, file: str, title: str, text: str, line: int | None = None) -> str:
    """Source: github.com/actions/toolkit, packages/core/src/command.ts (read 2026)."""
    given = {"file": file, "line": line, "title": title}
    properties = ",".join(f"{key}={_escape(str(value), ':,')}" for key, value in given.items() if value)
    return f"::{kind} {properties}::{_escape(text)}"


def _escape(text: str, more: str = "") -> str:
    return "".join(f"%{ord(each):02X}" if each in f"%\r\n{more}" else each for each in text)


RENDERERS = {"text": render_text, "json": render_json, "github": render_github}
