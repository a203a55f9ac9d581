"""Which expressions match which names, one by one beside what Python's `re` says, and what is refused."""

import re

import pytest

from exporter.domain.expression import MAX_STEPS, Expression, UnsupportedError


@pytest.mark.parametrize(
    ("text", "matches", "others"),
    [
        ("", ["", "a"], []),
        ("a", ["a", "ba", "ab"], ["", "A", "b"]),
        ("ab", ["ab", "xaby"], ["a", "b", "ba", "a b"]),
        ("(?i)aB", ["ab", "AB", "xAby"], ["a", "ba"]),
        ("a|b", ["a", "b", "cb"], ["", "c"]),
        ("a|", ["a", ""], []),
        ("^(a|bc|d)$", ["a", "bc", "d"], ["", "b", "c", "abc", "ad"]),
        ("^(?:a(?P<x>b|c)d)$", ["abd", "acd"], ["ad", "abcd", "bd"]),
        ("^a*$", ["", "a", "aaa"], ["b", "ab"]),
        ("^a+$", ["a", "aaa"], ["", "ab"]),
        ("^a?$", ["", "a"], ["aa"]),
        ("^(ab)*?c$", ["c", "abc", "ababc"], ["ab", "aabc"]),
        ("^a{2}$", ["aa"], ["", "a", "aaa"]),
        ("^a{2,}$", ["aa", "aaaa"], ["", "a"]),
        ("^a{,2}$", ["", "a", "aa"], ["aaa"]),
        ("^a{1,3}$", ["a", "aa", "aaa"], ["", "aaaa"]),
        ("^a{,}$", ["", "a", "aaaa"], ["b"]),
        ("^a{0}$", [""], ["a"]),
        ("^(a|b){2}c$", ["aac", "abc", "bac"], ["ac", "aabc"]),
        ("a{x}", ["a{x}"], ["a", "ax"]),
        ("^[ab]$", ["a", "b"], ["c", "ab", ""]),
        ("^[^ab]$", ["c"], ["a", "b", ""]),
        (r"^[]a\]]$", ["]", "a"], ["[", "b"]),
        (r"^\d\.\w$", ["1.a", "2._"], ["1xa", "a.1", "1.-"]),
        (r"\bcat\b", ["cat", "a cat!", "-cat-"], ["cats", "bobcat"]),
        (r"\Aa\Z", ["a"], ["ab", "ba", "a\n"]),
        (r"^\x41\u0042\U00000043$", ["ABC"], ["abc", "x41"]),
        ("^.$", ["a", " "], ["", "ab", "\n"]),
        ("(?i)^[k]$", ["k", "K", "\u212a"], ["j"]),
    ],
)
def test_it_is_found_where_python_finds_it(text: str, matches: list[str], others: list[str]) -> None:
    expression = Expression(text)
    assert [name for name in (*matches, *others) if expression.search(name)] == matches
    assert [name for name in (*matches, *others) if re.search(text, name)] == matches


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (r"ab\1", "contains a backreference, or a character by its number or name, at its character 3"),
        (r"\N{DIGIT ONE}", "contains a backreference, or a character by its number or name, at its character 1"),
        ("x(?=a)", "contains a look-around, flag, comment, or group of another kind, at its character 2"),
        ("ab++", "contains a possessive repeat, at its character 3"),
        ("a{2}+", "contains a possessive repeat, at its character 2"),
        ("(?i)a?+", "contains a possessive repeat, at its character 6"),
        ("(" * 51 + ")" * 51, "contains a group too deep in others, at its character 51"),
        (f"a{{{MAX_STEPS + 1}}}", "needs more than 1000 steps once its counts are written out"),
    ],
)
def test_what_is_refused_is_said_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(UnsupportedError) as refused:
        Expression(text)
    assert str(refused.value) == problem


def test_fifty_groups_in_one_another_and_a_thousand_steps_are_taken() -> None:
    assert Expression("(" * 50 + "a" + ")" * 50).search("ba")
    # Besides its characters it needs a step for the end and one for the choice between alternatives.
    assert Expression(f"a{{{MAX_STEPS - 1}}}").search("a" * MAX_STEPS)
    with pytest.raises(UnsupportedError):
        Expression(f"a{{{MAX_STEPS}}}")


def test_expressions_of_the_same_text_are_equal() -> None:
    one, same, other = Expression("a"), Expression("a"), Expression("b")
    assert one == same
    assert one != other
    assert one != "a"
    assert hash(one) == hash(same) != hash(other)
    assert {one, same, other} == {one, other}
    assert repr(one) == "Expression('a')"
