"""
Break the rules in `exporter/domain/` one at a time and see whether a test notices.

Run as `python tools/mutants.py [FILE ...]`, for example with `ledger rows`; all files take an hour or two.

mutmut makes the mutants in `mutants/` and runs those tests on each that reach it; `[tool.mutmut]` in pyproject.toml
says which tests. Every run starts over, so that its figures are those of the files as they are. Prints what survived,
then a table. A mutant that hangs is noticed by a limit of time, and counts as killed; one that no test reaches counts
as survived. The exit code is 1 below `LEAST_KILLED`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "mutants"
LOG = ROOT / ".tools" / "tmp" / "mutants.log"
LEAST_KILLED = 0.9
PROCESSES = 2
_KILLED = {1, 3}
_TIMED_OUT = {24, -24, 36, 152, 255}  # 24 is SIGXCPU; the others are mutmut's own


def main() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    print(f"mutants: mutmut's own output goes to {LOG.relative_to(ROOT)}", flush=True)
    files = [f"exporter.domain.{name}.*" for name in sys.argv[1:]]
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(PROCESSES), *files]
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "mutants"}
    with LOG.open("wb") as log:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=log, stderr=log, check=False)
    if done.returncode != 0:
        sys.exit(f"mutmut failed; the end of {LOG.relative_to(ROOT)} says why")
    sys.exit(_report() < LEAST_KILLED)


def _report() -> float:
    """Print survivors and table, and return the share that was killed."""
    rows = []
    for meta in sorted((WORK / "exporter" / "domain").glob("*.py.meta")):
        found: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"]
        codes = {name: code for name, code in found.items() if code is not None}
        for name, code in codes.items():
            if _outcome(code) not in {"killed", "timed out"}:
                print(f"{_outcome(code)}: {name}")
        if codes:
            rows.append((meta.name.removesuffix(".py.meta"), Counter(map(_outcome, codes.values()))))
    total = sum((outcomes for _, outcomes in rows), Counter[str]())
    print("Show one: .venv/bin/mutmut show NAME\n")
    print(f"{'file':<12} {'mutants':>8} {'killed':>8} {'survived':>9} {'score':>7}")
    for name, outcomes in [*rows, ("all", total)]:
        killed = outcomes["killed"] + outcomes["timed out"]
        print(
            f"{name:<12} {outcomes.total():>8} {killed:>8} {outcomes.total() - killed:>9}"
            f" {killed / outcomes.total():>7.1%}"
        )
    return (total["killed"] + total["timed out"]) / total.total()


def _outcome(code: int) -> str:
    if code in _KILLED:
        return "killed"
    if code in _TIMED_OUT:
        return "timed out"
    return "survived" if code == 0 else f"not judged ({code})"


if __name__ == "__main__":
    main()
