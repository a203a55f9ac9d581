"""What tests start has the default signals, even where the tests themselves were started with some of them ignored."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IGNORING = ("sh", "-c", 'trap "" INT HUP; exec "$@"', "sh")
"""As a script does for what it starts with `&`, and nohup."""

ONE_TEST = """
import signal, subprocess, sys

ASK = "import signal, sys; sys.exit(signal.SIG_IGN in map(signal.getsignal, (signal.SIGINT, signal.SIGHUP)))"

def test_child():
    assert subprocess.run([sys.executable, "-c", ASK]).returncode == 0
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.raise_signal(number)  # we ourselves still ignore it
"""


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_child_does_not_inherit_that_a_signal_is_ignored(tmp_path: Path, processes: str) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_one.py").write_text(ONE_TEST)
    run = subprocess.run(
        [
            *(*IGNORING, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", processes),
            *("--override-ini=pythonpath=" + str(ROOT), "--rootdir", str(tmp_path), str(tmp_path)),
        ],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
