from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.wording import clip, word_span
from exporter.web.words import word_age, word_rfc3339, word_utc

NOW = datetime(2026, 3, 1, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (45, "45 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3_600, "1 h"),
        (3_605, "1 h"),
        (7_500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
        (86_400 + 120, "1 d"),
        (400 * 86_400, "400 d"),
        (-125, "2 min 5 s"),
    ],
)
def test_a_span_is_worded_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert word_span(seconds) == words


def test_an_age_says_whether_it_is_past_or_to_come() -> None:
    assert word_age(NOW - timedelta(minutes=3), NOW) == "3 min ago"
    assert word_age(NOW + timedelta(seconds=40), NOW) == "in 40 s"
    assert word_age(NOW + timedelta(milliseconds=300), NOW) == "now"


def test_times_are_in_utc_whatever_zone_they_came_in() -> None:
    elsewhere = timezone(timedelta(hours=9))
    assert word_utc(datetime(2026, 3, 1, 9, 5, 12, tzinfo=elsewhere), NOW) == "00:05:12"
    assert word_utc(datetime(2026, 3, 1, 8, 5, 12, tzinfo=elsewhere), NOW) == "2026-02-28 23:05"
    assert word_rfc3339(datetime(2026, 3, 1, 9, 5, 12, tzinfo=elsewhere)) == "2026-03-01T00:05:12Z"
    assert word_rfc3339(datetime(2026, 3, 1, 9, 5, 12, 500_000, tzinfo=UTC)) == "2026-03-01T09:05:12.500000Z"


@pytest.mark.parametrize(
    ("text", "clipped"),
    [
        ("plain", "plain"),
        ("a\nb\t c  d ", "a b c d"),
        ("ten-chars!", "ten-chars!"),
        ("eleven-char", "eleven-ch…"),
        ("\u202egnitrats", "\ufffdgnitrats"),
        ("a\ud800b\x00c", "a\ufffdb\ufffdc"),
        ("a" + " " * 30 + "b", "a…"),
    ],
)
def test_foreign_text_becomes_one_printable_line(text: str, clipped: str) -> None:
    assert clip(text, 10) == clipped


@given(st.text(st.characters(), max_size=60))
def test_clipped_text_is_short_printable_and_can_be_sent(text: str) -> None:
    clipped = clip(text, 10)
    assert len(clipped) <= 10
    assert clipped.isprintable()
    assert clipped.encode("utf-8").decode("utf-8") == clipped
