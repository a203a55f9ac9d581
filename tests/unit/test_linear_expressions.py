"""
No text costs a regular expression of ours more than its length: every one in `exporter/` is found and attacked.

Growth is judged, not time: four times the text may cost about four times the work, where a second way to match makes
it sixteen. Only what takes long enough to be measured is judged, by the least of several runs and by processor time.
"""

import importlib
import itertools
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from time import thread_time

import pytest

import exporter
from exporter.braze.link import read_link

SIZE = 4000
WORTH_MEASURING_SECONDS = 0.003
"""Linear ones take less for the first size, quadratic ones more."""
MOST_GROWTH = 8
RUNS = 3
METHODS = re.compile(r"\b(_?[A-Z_]+)\.(search|match|fullmatch|sub|split|findall|finditer)\(")
PIECES = re.compile(r"[A-Za-z]+|[^\w\\]")
ALWAYS = ("a", "1", " ", "\\", "!")


def modules() -> Iterator[str]:
    yield from (found.name for found in pkgutil.walk_packages(exporter.__path__, "exporter."))


def patterns() -> dict[str, tuple[re.Pattern[str], set[str]]]:
    """Each pattern that a module keeps, with how it is used there."""
    found = {}
    for name in modules():
        if name == "exporter.__main__":
            continue
        module = importlib.import_module(name)
        assert module.__file__ is not None
        used = METHODS.findall(Path(module.__file__).read_text())
        for variable, value in vars(module).items():
            if isinstance(value, re.Pattern):
                found[f"{name}.{variable}"] = value, {method for what, method in used if what == variable}
    return found


PATTERNS = patterns()


def cost(run: Callable[[str], object], text: str) -> float:
    began = thread_time()
    run(text)
    return thread_time() - began


def grows_too_fast(run: Callable[[str], object], prefix: str, pump: str, suffix: str) -> bool:
    def text(size: int) -> str:
        return prefix + pump * (size // len(pump)) + suffix

    if cost(run, text(SIZE)) < WORTH_MEASURING_SECONDS:
        return False
    small, large = (min(cost(run, text(size)) for _ in range(RUNS)) for size in (SIZE, 4 * SIZE))
    return large > MOST_GROWTH * small


def weaknesses(run: Callable[[str], object], pieces: list[str]) -> list[tuple[str, str, str]]:
    """Texts of one or two repeated pieces, behind each piece, that cost more than their length."""
    pumps = ["".join(pair) for length in (1, 2) for pair in itertools.product(pieces, repeat=length)]
    texts = itertools.product(["", *pieces], pumps, ["\n!"])
    return [text for text in texts if grows_too_fast(run, *text)]


def test_every_expression_is_kept_where_this_test_finds_it() -> None:
    at_hand = re.compile(r"\bre\.(?:search|match|fullmatch|sub|split|findall|finditer)\(")
    sources = Path(exporter.__path__[0]).rglob("*.py")
    assert [path.name for path in sources if at_hand.search(path.read_text())] == []
    assert [name for name, (_, used) in PATTERNS.items() if not used] == []


@pytest.mark.parametrize("name", PATTERNS)
def test_an_expression_takes_no_more_than_the_length_of_its_text(name: str) -> None:
    pattern, used = PATTERNS[name]
    pieces = sorted({*PIECES.findall(pattern.pattern), *ALWAYS})[:14]
    search = pattern.search if used - {"fullmatch", "match"} else pattern.fullmatch
    assert weaknesses(search, pieces) == []


@pytest.mark.parametrize("pieces", [("<x>", ";", '"', '\\"', ","), ("<", ">", ";rel=", "next ", '"', "'", "rel ")])
def test_a_link_takes_no_more_than_its_length(pieces: tuple[str, ...]) -> None:
    pumps = ["".join(some) for length in (1, 2, 3) for some in itertools.product(pieces, repeat=length)]
    prefixes = ("", '<x>; rel="', "<x>; rel='", "<x>;rel= ", "rel=")
    assert [text for text in itertools.product(prefixes, pumps, [""]) if grows_too_fast(read_link, *text)] == []
