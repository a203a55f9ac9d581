"""The line that the document gives for bash, in a real one: a word that is begun is completed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command import COMMAND, environment, run_command

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "command-line.md").read_text()


@pytest.mark.parametrize(
    ("begun", "expected"), [("ch", "check"), ("--config.f", "--config.file"), ("check --f", "--format")]
)
def test_bash_completes_what_was_begun(tmp_path: Path, begun: str, expected: str) -> None:
    (line,) = re.findall(r"^eval .*bash_source.*$", DOCUMENT, re.MULTILINE)
    words = begun.split()
    script = (
        f"{line}\n"
        f"COMP_WORDS=(braze-cdi-exporter {begun}); COMP_CWORD={len(words)}\n"
        '"$(complete -p braze-cdi-exporter | sed "s/.*-F //; s/ .*//")" braze-cdi-exporter\n'
        'echo "${COMPREPLY[@]}"\n'
    )
    variables = environment(tmp_path)
    variables["PATH"] = f"{Path(COMMAND[0]).parent}:{variables['PATH']}"
    done = subprocess.run(["bash", "-c", script], env=variables, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{expected}\n", "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_get_a_script_of_theirs(tmp_path: Path, shell: str) -> None:
    assert f"_BRAZE_CDI_EXPORTER_COMPLETE={shell}_source" in DOCUMENT
    done = run_command(tmp_path, env={"_BRAZE_CDI_EXPORTER_COMPLETE": f"{shell}_source"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "braze-cdi-exporter" in done.stdout
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=done.stdout, text=True, check=True)
