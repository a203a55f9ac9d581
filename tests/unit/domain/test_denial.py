"""What a rejected key holds back, for how long, and what ends it."""

import pytest

from exporter.domain.denial import HOLD_SECONDS, IN_A_ROW, Denial
from exporter.domain.errors import AuthError, ForbiddenError

LIST, OWN = "integrations", "job_sync_status"


def forbid(denial: Denial, endpoint: str, now: float, times: int = IN_A_ROW) -> None:
    for _ in range(times):
        denial.note(endpoint, ForbiddenError("the key lacks the permission"), now)


def reject(denial: Denial, now: float, times: int = IN_A_ROW) -> None:
    for _ in range(times):
        denial.note(OWN, AuthError("unknown key"), now)


def denied(denial: Denial, endpoint: str, now: float) -> bool:
    try:
        denial.raise_while_it_lasts(endpoint, now)
    except (AuthError, ForbiddenError):
        return True
    return False


def test_nothing_is_denied_at_first() -> None:
    assert not denied(Denial(), OWN, 0)


def test_an_unknown_key_holds_back_every_endpoint() -> None:
    denial = Denial()
    reject(denial, 100)
    with pytest.raises(AuthError, match="unknown key"):
        denial.raise_while_it_lasts(LIST, 100)
    assert denied(denial, OWN, 100 + HOLD_SECONDS - 1)


def test_a_denial_lets_a_request_through_before_a_minute_is_over() -> None:
    denial = Denial()
    reject(denial, 100)
    assert HOLD_SECONDS < 60
    assert not denied(denial, OWN, 100 + HOLD_SECONDS)


def test_one_request_at_a_time_shows_whether_a_denial_has_ended() -> None:
    denial = Denial()
    reject(denial, 100)
    now = 100 + HOLD_SECONDS
    assert not denied(denial, LIST, now)
    assert denied(denial, OWN, now)
    assert denied(denial, LIST, now + HOLD_SECONDS - 1)
    assert not denied(denial, OWN, now + HOLD_SECONDS)
    denial.forget(OWN)
    assert not denied(denial, LIST, now + HOLD_SECONDS)


def test_a_request_that_a_permission_still_denies_does_not_count_as_a_look_at_the_key() -> None:
    denial = Denial()
    forbid(denial, LIST, 110)
    reject(denial, 100)
    assert denied(denial, LIST, 100 + HOLD_SECONDS)
    assert not denied(denial, OWN, 100 + HOLD_SECONDS)


def test_a_key_that_lacks_a_permission_is_a_known_key() -> None:
    denial = Denial()
    reject(denial, 100)
    forbid(denial, LIST, 101, times=1)
    assert not denied(denial, OWN, 102)


def test_a_request_that_shows_nothing_is_followed_by_another_at_once() -> None:
    denial = Denial()
    reject(denial, 100)
    now = 100 + HOLD_SECONDS
    assert not denied(denial, LIST, now)
    denial.leave_open(LIST, now + 1)
    assert not denied(denial, OWN, now + 1)
    assert denied(denial, OWN, now + 2)


def test_where_nothing_is_denied_nothing_is_left_open() -> None:
    denial = Denial()
    denial.leave_open(OWN, 100)
    assert not denied(denial, OWN, 100)
    assert not denied(denial, OWN, 100)


def test_a_missing_permission_holds_back_its_endpoint_only() -> None:
    denial = Denial()
    forbid(denial, LIST, 100)
    assert denied(denial, LIST, 101)
    assert not denied(denial, OWN, 101)


def test_a_path_that_is_forbidden_among_others_holds_back_nothing() -> None:
    denial = Denial()
    for now in range(100):
        forbid(denial, OWN, now, times=IN_A_ROW - 1)
        assert not denied(denial, OWN, now)
        denial.forget(OWN)
        assert not denied(denial, OWN, now)


def test_a_denial_that_goes_on_is_noticed_by_one_request() -> None:
    denial = Denial()
    forbid(denial, OWN, 100)
    forbid(denial, OWN, 100 + HOLD_SECONDS, times=1)
    assert denied(denial, OWN, 101 + HOLD_SECONDS)


def test_a_good_answer_ends_it_at_once() -> None:
    denial = Denial()
    reject(denial, 100)
    forbid(denial, OWN, 100)
    forbid(denial, LIST, 100)
    denial.forget(OWN)
    assert not denied(denial, OWN, 101)
    assert denied(denial, LIST, 101)


def test_a_denial_lasts_until_a_good_answer_even_while_a_request_looks_whether_it_does() -> None:
    denial = Denial()
    assert not denial.lasts(OWN)
    reject(denial, 100)
    assert denial.lasts(OWN)
    assert denial.lasts(LIST)
    denial.raise_while_it_lasts(OWN, 100 + HOLD_SECONDS)
    assert denial.lasts(OWN)
    denial.forget(OWN)
    assert not denial.lasts(OWN)
    forbid(denial, LIST, 200)
    assert denial.lasts(LIST)
    assert not denial.lasts(OWN)


def test_each_poll_gets_an_error_of_its_own() -> None:
    """A raised exception holds its traceback: the same object raised again would grow without end."""
    denial = Denial()
    reject(denial, 100)
    raised = []
    for _ in range(2):
        with pytest.raises(AuthError) as caught:
            denial.raise_while_it_lasts(OWN, 100)
        raised.append(caught.value)
    assert raised[0] is not raised[1]


def test_one_path_whose_key_is_rejected_among_others_holds_back_nothing() -> None:
    denial = Denial()
    for now in range(100):
        reject(denial, now, times=IN_A_ROW - 1)
        assert not denied(denial, LIST, now)
        denial.forget(LIST)


def test_an_error_that_was_not_asked_for_says_so() -> None:
    denial = Denial()
    reject(denial, 100)
    with pytest.raises(AuthError) as raised:
        denial.raise_while_it_lasts(OWN, 101)
    assert raised.value.held_seconds == HOLD_SECONDS - 1
    assert AuthError("said by Braze").held_seconds is None
