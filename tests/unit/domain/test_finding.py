"""The lines of a field report: verdicts, shares and tallies in words that tell nothing of whom they are about."""

from collections import Counter
from datetime import timedelta

import pytest

from exporter.domain.finding import NOT_SEEN, Finding, Line, Verdict, is_documented, judge, share, tally


@pytest.mark.parametrize(
    ("good", "of", "verdict"),
    [
        (0, 0, Verdict.NOT_SEEN),
        (0, 1, Verdict.REFUTED),
        (2, 3, Verdict.REFUTED),
        (3, 3, Verdict.CONFIRMED),
    ],
)
def test_an_assumption_is_confirmed_by_good_cases_alone(good: int, of: int, verdict: Verdict) -> None:
    assert judge(good, of) is verdict


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (Line("{} of {}", (999, 1000)), "999 of more than 999"),
        (Line("shown after {}", (timedelta(hours=3),)), "shown after 3h"),
        (Line("{} as {}", (2, "aaa-999")), "2 as aaa-999"),
        (Line("nothing was asked"), "nothing was asked"),
    ],
)
def test_a_line_has_bounded_counts_coarse_ages_and_masks(line: Line, text: str) -> None:
    assert str(line) == text


def test_a_share_is_a_line() -> None:
    assert str(share("finished records", 3, 4)) == "finished records: 3 of 4"


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ({}, "none"),
        ({"null": 1, "string": 3}, "3 string, 1 null"),
        ({"a": 1000}, "more than 999 a"),
        (dict.fromkeys("abcdef", 2), "2 a, 2 b, 2 c, 2 d, 2 e, 2 f"),
        ({**dict.fromkeys("abcdef", 2), "g": 1, "h": 1}, "2 a, 2 b, 2 c, 2 d, 2 e, 2 f, 2 other"),
    ],
)
def test_a_tally_shows_the_six_most_frequent_kinds_and_sums_up_the_others(seen: dict[str, int], text: str) -> None:
    assert tally(Counter(seen)) == text


def test_words_that_braze_documents_are_shown_as_they_are() -> None:
    assert is_documented("config_error")
    assert not is_documented("Config_Error")
    assert Finding(Verdict.NOT_SEEN, (), {}) == NOT_SEEN
