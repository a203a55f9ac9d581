"""What a report shows instead of what was read, and which texts are looked for in it."""

from datetime import timedelta

import pytest

from exporter.domain.masks import leaks, mask, render_age, render_count, telling_texts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("Users 12", "aaaaa 99"),
        ("2026-03-01T12:00:00.5Z", "9999-99-99a99:99:99.9a"),
        ("a_b;c,d+e/f=g<h>i?j\"k'l(m)n*o&p%q@r", "a_a;a,a+a/a=a<a>a?a\"a'a(a)a*a&a%a@a"),
        ("é²½{|}\n#€", "a99??????"),
        ("x" * 60, "a" * 60),
        ("x" * 61, "a" * 60 + "..."),
    ],
)
def test_a_mask_shows_the_kind_of_each_character(text: str, shown: str) -> None:
    assert mask(text) == shown


def test_a_count_is_bounded() -> None:
    assert [render_count(number) for number in (0, 999, 1000, 54321)] == ["0", "999", "more than 999", "more than 999"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (0.9, "0s"),
        (1, "1s"),
        (59.9, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (86399, "23h"),
        (86400, "1d"),
        (999 * 86400, "999d"),
        (1000 * 86400, "more than 999d"),
        (-0.5, "-0s"),
        (-7300, "-2h"),
    ],
)
def test_an_age_has_whole_numbers_of_its_largest_unit(seconds: float, shown: str) -> None:
    assert render_age(timedelta(seconds=seconds)) == shown


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("User", {"user"}),
        ("use", set()),
        ("  one two ", {"one two"}),
        ({"name": ["Paid Users", {"deep": None}]}, {"name", "paid users", "paid", "users", "deep"}),
        ("2026-03-01T12:00:00Z", {"2026-03-01t12:00:00z", "2026-03-01"}),
        (" 2026-03-01T12:00:00Z", {"2026-03-01t12:00:00z", "2026-03-01"}),
        ("Jo.Doe@corp.example", {"jo.doe@corp.example", "jo.doe@cor", "jo.doe"}),
        ("mail;jane@x.y", {"mail;jane@x.y", "mail;jane@", "mail", "jane@x.y", "jane"}),
        ("jane@team@x", {"jane@team@x", "jane@team@", "jane"}),
        ("ab@xy", {"ab@xy"}),
        ("A" * 61 + " b", {"a" * 61 + " b", "a" * 61, "a" * 60, "a" * 10}),
        ("A" * 59 + " b", {"a" * 59 + " b", "a" * 59, "a" * 10}),
        (1000, {"1000"}),
        (-1000, {"-1000"}),
        (999, set()),
        (-999, set()),
        (99999, set()),
        (99899, {"99899"}),
        (1e9, set()),
        ([True, None, []], set()),
    ],
)
def test_texts_that_must_not_show_are_found_in_any_json_value(value: object, texts: set[str]) -> None:
    assert telling_texts([value]) == texts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nothing of it", 0),
        ("USERS of Acme", 2),
        ("users, users", 1),
        ("the order of users", 1),
        ("the order of it", 0),
        ("latest first", 0),
        ("first of all", 1),
    ],
)
def test_a_leak_is_a_telling_text_that_none_of_our_own_holds(text: str, found: int) -> None:
    telling = {"users", "acme", "order", "latest", "first of all"}
    assert leaks(text, telling, ["the ORDER is", "Latest first", "of all"]) == found
