"""The manual page has every command, flag and example, and is one that man can show without a warning."""

import datetime as dt
import re
import subprocess
from pathlib import Path

from exporter.cli import main
from exporter.cli.help import EXAMPLES
from tests.components import component
from tools.man_page import man_page

PAGE = man_page(dt.date(2026, 3, 4))
READABLE = re.sub(r"\\f[BIR]|\\&", "", PAGE).replace(r"\-", "-").replace(r"\e", "\\")


def test_it_has_every_command_and_flag() -> None:
    flags = set(re.findall(r"^\.TP\n(?:-h, )?(--[a-z.-]+)", READABLE, re.MULTILINE))
    assert flags == {option for command in (main, *main.commands.values()) for option in (*opts(command), "--help")}
    assert set(re.findall(r"^\.SS (.+)$", READABLE, re.MULTILINE)) == set(main.commands)


def opts(command: object) -> list[str]:
    return [one.opts[0] for one in getattr(command, "params", []) if one.opts[0].startswith("--")]


def test_it_has_every_example() -> None:
    shown = re.findall(r"^\.TP\n(.+)\n(braze-cdi-exporter .+)$", READABLE, re.MULTILINE)
    assert shown == [example for examples in EXAMPLES.values() for example in examples]


def test_no_text_becomes_an_instruction() -> None:
    assert set(re.findall(r"^\.\S+", PAGE, re.MULTILINE)) == {".TH", ".SH", ".SS", ".PP", ".TP", ".B"}
    assert "\n'" not in PAGE


def test_it_is_shown_without_a_warning(tmp_path: Path) -> None:
    mandoc = component("mandoc")
    (tmp_path / "page.1").write_text(PAGE)
    call = [str(mandoc), "-T", "utf8", "-W", "warning", str(tmp_path / "page.1")]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--config.auto-reload-interval DURATION" in re.sub(r".\x08", "", done.stdout)
