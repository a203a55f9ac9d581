"""How lengths of time, numbers, shares and foreign text are worded."""

from datetime import UTC, datetime

import pytest

from exporter.domain.wording import clip, round_rows, word_count, word_moment, word_share, word_span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (0.6, "1 s"),
        (59, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (-125, "2 min 5 s"),
        (3599.6, "1 h"),
        (3600, "1 h"),
        (3659, "1 h"),
        (3660, "1 h 1 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d"),
        (3 * 86_400 + 4 * 3600 + 59 * 60, "3 d 4 h"),
        (400 * 86_400, "400 d"),
    ],
)
def test_a_length_of_time_is_worded_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert word_span(seconds) == words


def test_a_moment_is_worded_to_the_minute() -> None:
    assert word_moment(datetime(2026, 3, 1, 14, 5, 59, 999, UTC)) == "2026-03-01 14:05 UTC"
    assert word_moment(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01 00:00 UTC"


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0%"),
        (0.00004, "0%"),
        (0.0012, "0.12%"),
        (0.005, "0.5%"),
        (0.00999, "1%"),
        (0.01, "1%"),
        (0.0123, "1.2%"),
        (0.0999, "10%"),
        (0.0106, "1.1%"),
        (0.106, "11%"),
        (0.1, "10%"),
        (0.1249, "12%"),
        (0.2, "20%"),
        (1.0, "100%"),
        (12.0, "1200%"),
    ],
)
def test_a_share_is_worded_with_two_digits_at_most(share: float, words: str) -> None:
    assert word_share(share) == words


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        (-3.0, 0.0),
        (0.4, 0.0),
        (0.6, 1.0),
        (12.4, 12.0),
        (99.4, 99.0),
        (99.9, 100.0),
        (100.0, 100.0),
        (105.4, 110.0),
        (1159.0, 1200.0),
    ],
)
def test_learned_rows_are_shown_with_two_digits_from_a_hundred_on(rows: float, shown: float) -> None:
    assert round_rows(rows) == shown


def test_counts_are_worded() -> None:
    assert [word_count(count, "row") for count in (0, 1, 2, 1200.4)] == ["0 rows", "1 row", "2 rows", "1,200 rows"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("as it is", "as it is"),
        ("ten letter", "ten letter"),
        ("eleven chars", "eleven ch…"),
        ("a \t\n b", "a b"),
        ("a\x00b\u202ec", "a\ufffdb\ufffdc"),
        ("a" + " " * 18 + "b", "a b"),  # as long as is looked at
        ("a" + " " * 19 + "b", "a…"),  # one more
        ("x" * 21, "x" * 9 + "…"),
    ],
)
def test_foreign_text_becomes_one_printable_line(text: str, line: str) -> None:
    assert clip(text, 10) == line
