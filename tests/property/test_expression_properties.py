"""An expression of the subset matches what Python's `re` says, in work that grows with the text alone."""

import re
import warnings
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from exporter.domain.expression import MAX_STEPS, Expression, UnsupportedError

LETTERS = "aAbBkK1_- .\ns\u017f\u0131İßẞé"
ATOMS = [
    *("a", "b", "K", "s", "1", "-", " ", "é", "ß", "_", "{", "}", "]", ",", "{,", "{x}", "#"),
    *(".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\.", r"\\", r"\-", r"\n", r"\x61", r"\u0131"),
    *("^", "$", r"\b", r"\B", r"\A", r"\Z"),
    *("[ab]", "[^a]", "[]a]", "[^]a]", r"[\]a]", r"[a-z\d]", "[a-]", "[(|)]", r"[\w-]", "[^\n]", "[*+?{}]"),
]
REPEATS = ["{1,2}?", "{}", "*", "+", "?", "*?", "??", "{0}", "{1}", "{2}", "{0,1}", "{1,3}", "{2,}", "{,2}", "{,}"]


def widen(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join).map(lambda text: f"({text})"),
        st.tuples(inner, st.sampled_from(REPEATS)).map("".join),
        st.tuples(st.sampled_from(["(", "(?:", "(?P<g>"]), inner, st.sampled_from(["", *REPEATS])).map(
            lambda parts: f"{parts[0]}{parts[1]}){parts[2]}"
        ),
    )


expressions = st.tuples(st.sampled_from(["", "", "(?i)"]), st.recursive(st.sampled_from(ATOMS), widen, max_leaves=8))
texts = st.text(LETTERS, max_size=8)


@settings(max_examples=1000)
@given(expressions.map("".join), st.lists(texts, min_size=1, max_size=8))
def test_it_matches_what_python_says(text: str, names: list[str]) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            judge = re.compile(text)
    except (re.error, Warning):
        assume(False)
    try:
        ours = Expression(text)
    except UnsupportedError as error:
        assume("possessive" not in str(error))
        raise
    assert [ours.search(name) for name in names] == [judge.search(name) is not None for name in names]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (r"(a)\1", "backreference, or a character by its number or name, at its character 4"),
        (r"\N{DIGIT ONE}", "by its number or name, at its character 1"),
        ("x(?!a)", "look-around, flag, comment, or group of another kind, at its character 2"),
        *((text, "look-around") for text in ("(?=a)", "(?<=a)", "(?<!a)", "(?>a)", "(?#a)", "(?i:a)", "(?s)a")),
        ("(?P<a>b)(?P=a)", "look-around"),
        *((text, "possessive repeat, at its character 2") for text in ("a*+", "a++", "a?+", "a{2}+", "a{1,}+")),
        *((text, "more than 1000 steps") for text in ("a{1001}", "a{4294967294}", "(){999999}", "a{0,9999}")),
        ("(" * 60 + ")" * 60, "too deep in others, at its character 51"),
    ],
)
def test_what_is_not_of_the_subset_is_refused_with_its_place(text: str, problem: str) -> None:
    re.compile(text)
    with pytest.raises(UnsupportedError, match=problem):
        Expression(text)


def count_steps(expression: Expression, text: str) -> int:
    """Return how often a character or place is looked at."""
    made = 0

    def counted(match: Callable[[str, int], object]) -> Callable[[str, int], object]:
        def count(text: str, place: int) -> object:
            nonlocal made
            made += 1
            return match(text, place)

        return count

    class Counted:
        def __init__(self, test: re.Pattern[str]) -> None:
            self.match = counted(test.match)

    for step in expression._steps:
        if step.test is not None:
            step.test = Counted(step.test)  # type: ignore[assignment]
    assert not expression.search(text)
    return made


@pytest.mark.parametrize(("name", "steps"), [("", 1), ("xxx", 4), ("axx", 5), ("xxa", 5), ("aaa", 7)])
def test_at_each_place_up_to_the_end_each_step_that_it_reaches_is_tried_once(name: str, steps: int) -> None:
    """The first character everywhere, the second after each of the first."""
    assert count_steps(Expression("ab"), name) == steps


@pytest.mark.parametrize(
    "text", ["(a+)+$", "(a|a)*b", "(a|aa)+$", ".*a.*a.*a.*b", "(.*)*x", "(?i)(A?){30}A{30}B", "(a*)*(a*)*b"]
)
def test_four_times_the_name_costs_four_times_the_work(text: str) -> None:
    assert count_steps(Expression(text), "a" * 400 + "!") < 5 * count_steps(Expression(text), "a" * 100 + "!")


def test_no_character_costs_more_than_the_most_steps() -> None:
    assert count_steps(Expression("(a?){190}a{400,}b"), "a" * 200) <= 201 * 2 * MAX_STEPS
