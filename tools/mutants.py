"""
Break the rules in `exporter/domain/` one at a time and see whether a test notices.

Run as `python tools/mutants.py [FILE ...]`, for example with `ledger rows`; all files take half an hour or more.

mutmut makes the mutants in `mutants/`; `tests/mutants.py` runs those tests on each that reach it, of those that
`[tool.mutmut]` in pyproject.toml names. Every run starts over, so that its figures are those of the files as they are.
Prints what survived, then a table. A mutant that hangs is noticed by a limit of time, and counts as killed; one that
no test reaches counts as survived. The exit code is 1 below `LEAST_KILLED`.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "mutants"
LOG = ROOT / ".tools" / "tmp" / "mutants.log"
LEAST_KILLED = 0.97
MAKE = (
    "from mutmut import __main__ as mutmut; mutmut.set_mutant_under_test('mutant_generation'); mutmut.copy_src_dir();"
    "mutmut.copy_also_copy_files(); mutmut.setup_source_paths(); mutmut.create_mutants(2)"
)


def main() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    print(f"mutants: what the tests print goes to {LOG.relative_to(ROOT)}", flush=True)
    tests = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]["pytest_add_cli_args_test_selection"]
    run = ("pytest", "-q", "-s", "-p", "tests.mutants", "-p", "no:cacheprovider", "--rootdir=.", "--tb=native", *tests)
    with LOG.open("wb") as log:
        subprocess.run([sys.executable, "-c", MAKE], cwd=ROOT, stdout=log, stderr=log, check=True)
        chosen = [name for name in _mutants() if not sys.argv[1:] or name.split(".")[2] in sys.argv[1:]]
        (WORK / "chosen.json").write_text(json.dumps(chosen))
        environment = {**os.environ, "HYPOTHESIS_PROFILE": "mutants"}
        done = subprocess.run(
            [sys.executable, "-m", *run], cwd=WORK, env=environment, stdout=log, stderr=log, check=False
        )
    if done.returncode != 0:
        sys.exit(f"the tests did not run; the end of {LOG.relative_to(ROOT)} says why")
    sys.exit(_report() < LEAST_KILLED)


def _mutants() -> list[str]:
    metas = sorted((WORK / "exporter" / "domain").glob("*.py.meta"))
    return [name for meta in metas for name in json.loads(meta.read_text())["exit_code_by_key"]]


def _report() -> float:
    """Print survivors and table, and return the share that was killed."""
    files: dict[str, Counter[str]] = {}
    for line in sorted((WORK / "outcomes.jsonl").read_text().splitlines()):
        name, outcome = json.loads(line)
        files.setdefault(name.split(".")[2], Counter())[outcome] += 1
        if outcome not in {"killed", "timed out"}:
            print(f"{outcome}: {name}")
    total = sum(files.values(), Counter[str]())
    print("Show one: .venv/bin/mutmut show NAME\n")
    print(f"{'file':<18} {'mutants':>8} {'killed':>8} {'survived':>9} {'score':>7}")
    for name, outcomes in [*files.items(), ("all", total)]:
        killed = outcomes["killed"] + outcomes["timed out"]
        print(
            f"{name:<18} {outcomes.total():>8} {killed:>8} {outcomes.total() - killed:>9}"
            f" {killed / outcomes.total():>7.1%}"
        )
    return (total["killed"] + total["timed out"]) / total.total()


if __name__ == "__main__":
    main()
