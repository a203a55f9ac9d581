"""
Runs the tests on one mutant after the other: a pytest plugin for `tools/mutants.py`, at work in `mutants/`.

Everything is imported and collected once. One fork runs all tests and notes how long each takes and which functions of
the domain it calls. Then each mutant has a fork of its own, which meets the tests that reach it, those of its subject
first, then the quick ones, and ends at the first that fails. A mutant that has survived ENOUGH_SECONDS of tests counts
as survived: the slow ones that are left find few more.
"""

import gc
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from itertools import accumulate, zip_longest
from pathlib import Path
from time import process_time

import pytest
from mutmut.mutation import trampoline
from mutmut.utils.format_utils import mangled_name_from_mutant_name

CHOSEN = Path("chosen.json")
"""The names of the mutants, as mutmut has them."""
REACHED = Path("reached.json")
"""By test, its seconds and the functions that it calls."""
OUTCOMES = Path("outcomes.jsonl")
"""A line for each mutant: its name, and `killed`, `timed out`, `survived` or `not reached`."""
ENOUGH_SECONDS = 8.0
PROCESSES = 2
TELLING = "test_learned_figures"
"""What notices most in what many files compute together; comes first as well."""
_FAILED = 1
_MOST_BYTES = 4 << 30


def pytest_runtestloop(session: pytest.Session) -> bool:
    items = {item.nodeid: item for item in session.items}
    if os.waitpid(_forked(lambda: _note_what_is_reached(session)), 0)[1]:
        raise pytest.UsageError("a test fails without a mutant")
    reached: dict[str, tuple[float, list[str]]] = json.loads(REACHED.read_text())
    gc.freeze()
    running: dict[int, str] = {}
    with OUTCOMES.open("a", buffering=1) as outcomes:

        def wait(most: int) -> None:
            while len(running) > most:
                process, status = os.wait()
                outcome = {0: "survived", _FAILED: "killed"}.get(os.waitstatus_to_exitcode(status), "timed out")
                outcomes.write(json.dumps([running.pop(process), outcome]) + "\n")

        for mutant in json.loads(CHOSEN.read_text()):
            tests = _tests_of(mutant, reached)
            if not tests:
                outcomes.write(json.dumps([mutant, "not reached"]) + "\n")
                continue
            met = [items[test] for test in tests]
            running[_forked(lambda mutant=mutant, met=met: _meet(session, mutant, met, reached))] = mutant  # type: ignore[misc]
            wait(PROCESSES - 1)
        wait(0)
    return True


def _tests_of(mutant: str, reached: dict[str, tuple[float, list[str]]]) -> list[str]:
    function, subject = mangled_name_from_mutant_name(mutant), mutant.split(".")[2].partition("_")[0]
    seconds = {test: seconds for test, (seconds, called) in reached.items() if function in called}

    def telling(test: str) -> float:
        return seconds[test] * (0.2 if subject in test.split("::", maxsplit=1)[0] or TELLING in test else 1.0)

    tests = sorted(seconds, key=telling)
    enough = sum(total <= ENOUGH_SECONDS for total in accumulate(seconds[test] for test in tests))
    return tests[: max(1, enough)]


def _forked(work: Callable[[], None]) -> int:
    process = os.fork()
    if process:
        return process
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    try:
        work()
    except BaseException:  # noqa: BLE001 - whatever a mutant breaks
        os._exit(_FAILED)
    os._exit(0)


def _note_what_is_reached(session: pytest.Session) -> None:
    called: set[str] = set()
    vars(trampoline).update(
        get_mutant_under_test=lambda: "stats", record_trampoline_hit=lambda name, **_: called.add(name)
    )
    reached = {}
    for item, following in zip_longest(session.items, session.items[1:]):
        called.clear()
        begin = process_time()
        _run(session, item, following)
        reached[item.nodeid] = process_time() - begin, sorted(called)
    REACHED.write_text(json.dumps(reached))


def _meet(
    session: pytest.Session, mutant: str, items: list[pytest.Item], reached: dict[str, tuple[float, list[str]]]
) -> None:
    vars(trampoline).update(get_mutant_under_test=lambda: mutant)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    for item, following in zip_longest(items, items[1:]):
        signal.setitimer(signal.ITIMER_PROF, 2 + 10 * reached[item.nodeid][0])  # ends the process, if it comes to that
        _run(session, item, following)


def _run(session: pytest.Session, item: pytest.Item, following: pytest.Item | None) -> None:
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    if session.testsfailed:
        raise AssertionError(item.nodeid)
