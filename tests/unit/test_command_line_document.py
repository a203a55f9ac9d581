"""docs/command-line.md names every command and flag there is, with its default, and none that is not."""

import re
from pathlib import Path

import click
import pytest

from exporter.cli import main

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "command-line.md").read_text()


def documented() -> dict[str, dict[str, str]]:
    """For each command the flags of its table with their defaults; the daemon is the empty name."""
    sections = re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:]
    row = re.compile(r"^\| `(--[^`]+)` \| (?:`([^`]*)`)? ?\|", re.MULTILINE)
    return {(re.findall(r"^`([\w-]+)`", section) or [""])[0]: dict(row.findall(section)) for section in sections}


def existing() -> dict[str, dict[str, str]]:
    commands: dict[str, click.Command] = {"": main, **main.commands}
    return {name: flags(command) for name, command in commands.items()}


def flags(command: click.Command) -> dict[str, str]:
    found = {}
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            continue
        default = parameter.default
        shown = default[0] if isinstance(default, (tuple, list)) and default else default
        if isinstance(shown, bool) and not parameter.is_eager:
            shown = str(shown).lower()
        found[parameter.opts[0]] = shown if isinstance(shown, str) else ""
    return found


def test_every_command_is_documented_and_none_else() -> None:
    assert set(documented()) == set(existing())


@pytest.mark.parametrize("command", sorted(existing()))
def test_every_flag_of_a_command_is_documented_with_its_default_and_none_else(command: str) -> None:
    assert documented()[command] == existing()[command]


def test_every_flag_has_the_environment_variable_the_document_promises() -> None:
    for name, command in {"": main, **main.commands}.items():
        for parameter in command.params:
            if parameter.is_eager or isinstance(parameter, click.Argument):
                continue
            promised = "BRAZE_CDI_EXPORTER_" + re.sub(r"[.-]", "_", parameter.opts[0].removeprefix("--")).upper()
            assert parameter.envvar == promised, (name, parameter.opts[0])
