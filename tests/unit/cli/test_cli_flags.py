"""The variable of a flag says what the flag would: a word that is understood, or a mistake that names the variable."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from exporter import log
from exporter.cli import flags, main

CONFIG = """\
workspaces:
  - {name: w, rest_endpoint: "http://127.0.0.1:1", api_key: k, integrations: [{id: one}]}
"""
BOOLEANS = sorted(
    {
        (name, option.envvar)
        for name, command in {"": main, **main.commands}.items()
        for option in command.params
        if isinstance(option, click.Option) and option.is_flag and not option.is_eager
    }
)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(main, arguments, env=variables)


def test_there_are_booleans_of_the_daemon_and_of_a_command() -> None:
    assert BOOLEANS == [
        ("", "BRAZE_CDI_EXPORTER_WEB_ENABLE_LIFECYCLE"),
        ("", "BRAZE_CDI_EXPORTER_WEB_SYSTEMD_SOCKET"),
        ("check", "BRAZE_CDI_EXPORTER_ONLINE"),
        ("check", "BRAZE_CDI_EXPORTER_SCHEMA"),
        ("init", "BRAZE_CDI_EXPORTER_KUBERNETES"),
    ]


@pytest.mark.parametrize(("command", "variable"), BOOLEANS)
@pytest.mark.parametrize("word", [" ", "1", "0", "yes", "off", "True", "FALSE", "true ", "maybe"])
def test_a_boolean_variable_that_is_neither_true_nor_false_is_refused(
    directory: Path, command: str, variable: str, word: str
) -> None:
    needed = ("--api-key-file", "key") if command == "init" else ()
    refused = call(command or "check", *needed, **{variable: word})
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"'{variable}'" in refused.stderr
    assert f"{word!r} is neither true nor false" in refused.stderr


@pytest.mark.parametrize(("command", "variable"), BOOLEANS)
@pytest.mark.parametrize("word", ["true", "false"])
def test_a_boolean_variable_is_true_or_false(directory: Path, command: str, variable: str, word: str) -> None:
    asked = (variable, word) == ("BRAZE_CDI_EXPORTER_ONLINE", "true")
    done = call("check", **{variable: word})
    assert ("no answer from" in done.stdout) == asked
    assert done.exit_code == (2 if asked else 0)
    assert ('"$schema"' in done.stdout) == ((variable, word) == ("BRAZE_CDI_EXPORTER_SCHEMA", "true"))


@pytest.mark.parametrize(("command", "variable"), BOOLEANS)
def test_an_empty_boolean_variable_is_unset(directory: Path, command: str, variable: str) -> None:
    done = call("check", **{variable: ""})
    assert (done.exit_code, "no answer from" in done.stdout) == (0, False)


@pytest.mark.parametrize(("name", "word"), [("LOG_LEVEL", "WARN"), ("LOG_LEVEL", ""), ("LOG_FORMAT", "Json")])
def test_levels_and_formats_are_read_in_any_case(directory: Path, name: str, word: str) -> None:
    assert call("once", "--storage.path", "", **{f"BRAZE_CDI_EXPORTER_{name}": word}).exit_code == 1


@pytest.mark.parametrize("command", sorted({name for name, _ in BOOLEANS}))
def test_a_flag_on_the_command_line_needs_no_word(directory: Path, command: str) -> None:
    arguments = {"": ["--web.enable-lifecycle", "check"], "check": ["check", "--online"]}
    arguments["init"] = ["init", "--kubernetes", "--api-key-file", "key"]
    assert call(*arguments[command]).exit_code == (2 if command else 0)


def test_an_empty_variable_of_the_storage_path_means_memory(directory: Path) -> None:
    for variables, made in (({"BRAZE_CDI_EXPORTER_STORAGE_PATH": ""}, False), ({}, True)):
        done = call("once", **variables)
        assert f"braze_cdi_exporter_state_persistent {int(made)}\n" in done.stdout
        assert (directory / "data").exists() == made


def test_a_flag_that_is_no_duration_is_quoted_with_the_remedy(directory: Path) -> None:
    assert "'3' is not a duration; write for example 90s, 1h or 30d" in call("replay", "--since", "3").stderr


def test_the_log_knows_every_level_and_format_that_a_flag_takes() -> None:
    assert (tuple(log.LEVELS), log.FORMATS) == (flags.LEVELS, flags.FORMATS)
