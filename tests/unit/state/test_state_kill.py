"""Kill -9 in the middle of commits, by real processes: what was committed is there, and the file is whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kept import Surroundings, state

WRITER = """
import itertools, os, sys
from pathlib import Path
from tests.kept import Surroundings, state
store = Surroundings().open(Path(sys.argv[1]))
done = max((found.ledger.totals.syncs[0] for found in store.load("w").values()), default=0)
for number in itertools.count(done + 1):
    store.commit("w", f"id-{number % 50}", state(number))
    os.write(1, b"%d\\n" % number)
"""


@pytest.mark.parametrize("acknowledged", [[1, 2, 40], [700, 1500], [3000]])
def test_what_was_committed_survives_a_kill(tmp_path: Path, acknowledged: list[int]) -> None:
    """Each figure is how many commits a round waits for; the longer ones are killed near a checkpoint as well."""
    done = 0
    for more in acknowledged:
        done = killed_after(tmp_path, done + more)
        around = Surroundings()
        store = around.open(tmp_path)
        found = store.load("w")
        latest = max(kept.ledger.totals.syncs[0] for kept in found.values() if kept.ledger is not None)
        # The commit under way when the signal came may be there or not.
        assert latest in {done, done + 1}
        assert found == {f"id-{number % 50}": state(number) for number in range(max(1, latest - 49), latest + 1)}
        assert around.persistent
        assert around.said() == []
        store.close()
        done = latest


def killed_after(directory: Path, number: int) -> int:
    """Kill a writer once it has said *number*, and return the last that it said."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == number:
                os.kill(process.pid, signal.SIGKILL)
                break
        rest = process.stdout.read().split()
    return int(rest[-1]) if rest else number
