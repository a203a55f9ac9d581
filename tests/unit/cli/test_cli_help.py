"""Help says what a command is for in a whole sentence, and shows calls that work; the shell completes them."""

import shlex

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from exporter.cli import main
from exporter.cli.help import DAEMON, EXAMPLES, VARIABLES

COMMANDS: dict[str, click.Command] = {DAEMON: main, **main.commands}


def help_of(name: str) -> str:
    return " ".join(CliRunner().invoke(main, [*([] if name == DAEMON else [name]), "--help"]).stdout.split())


def completed(*words: str, incomplete: str) -> list[tuple[str, str]]:
    complete = ShellComplete(main, {}, DAEMON, "_COMPLETE")
    return [(item.type, item.value) for item in complete.get_completions(list(words), incomplete)]


def test_every_summary_is_a_whole_sentence() -> None:
    listed = help_of(DAEMON)
    for name, command in main.commands.items():
        sentence, _, _ = " ".join((command.help or "").split()).partition(". ")
        assert sentence.endswith(".")
        assert f" {name} {sentence}" in listed
    assert "..." not in listed.replace("[ARGS]...", "")


def test_every_command_has_examples_and_none_else() -> None:
    assert set(EXAMPLES) == set(COMMANDS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_a_command_are_shown_and_can_be_parsed(name: str) -> None:
    shown = help_of(name)
    assert VARIABLES in shown
    assert "env var" not in shown
    for purpose, call in EXAMPLES[name]:
        assert f"# {purpose} {call}" in shown
        program, *words = shlex.split(call)
        command = COMMANDS[words.pop(0)] if words[0] in COMMANDS else main
        assert program == DAEMON
        assert command in (main.commands.get(name), main) or name == DAEMON
        command.make_context(name, words)


@pytest.mark.parametrize("name", ["replay", "explain", "support-bundle"])
def test_commands_that_only_read_the_state_say_so(name: str) -> None:
    assert "Directory of the daemon's state, which is only read." in help_of(name)


def test_commands_flags_and_words_are_completed() -> None:
    assert completed(incomplete="ch") == [("plain", "check")]
    assert completed("check", incomplete="--on") == [("plain", "--online")]
    assert completed("--log.level", incomplete="w") == [("plain", "warn")]
    assert completed("check", "--format", incomplete="") == [("plain", each) for each in ("text", "json", "github")]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("--config.file",), "file"),
        (("check", "--report"), "file"),
        (("once", "--storage.path"), "dir"),
    ],
)
def test_files_and_directories_are_left_to_the_shell(words: tuple[str, ...], kind: str) -> None:
    assert completed(*words, incomplete="da") == [(kind, "da")]
