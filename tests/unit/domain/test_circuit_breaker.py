"""When the circuit breaker opens, for how long it stops requests, and when it closes."""

import pytest

from exporter.domain.circuit_breaker import DENIALS_TO_OPEN, OPEN_SECONDS, CircuitBreaker
from exporter.domain.errors import AuthError, ForbiddenError

LIST, OWN = "integrations", "job_sync_status"


def forbid(breaker: CircuitBreaker, endpoint: str, now: float, times: int = DENIALS_TO_OPEN) -> None:
    for _ in range(times):
        breaker.record_denial(endpoint, ForbiddenError("the key lacks the permission"), now)


def reject(breaker: CircuitBreaker, now: float, times: int = DENIALS_TO_OPEN) -> None:
    for _ in range(times):
        breaker.record_denial(OWN, AuthError("unknown key"), now)


def stopped(breaker: CircuitBreaker, endpoint: str, now: float) -> bool:
    try:
        breaker.raise_if_open(endpoint, now)
    except (AuthError, ForbiddenError):
        return True
    return False


def test_nothing_is_denied_at_first() -> None:
    assert not stopped(CircuitBreaker(), OWN, 0)


def test_an_unknown_key_holds_back_every_endpoint() -> None:
    breaker = CircuitBreaker()
    reject(breaker, 100)
    with pytest.raises(AuthError, match="unknown key"):
        breaker.raise_if_open(LIST, 100)
    assert stopped(breaker, OWN, 100 + OPEN_SECONDS - 1)


def test_a_denial_lets_a_request_through_before_a_minute_is_over() -> None:
    breaker = CircuitBreaker()
    reject(breaker, 100)
    assert OPEN_SECONDS < 60
    assert not stopped(breaker, OWN, 100 + OPEN_SECONDS)


def test_one_request_at_a_time_shows_whether_a_denial_has_ended() -> None:
    breaker = CircuitBreaker()
    reject(breaker, 100)
    now = 100 + OPEN_SECONDS
    assert not stopped(breaker, LIST, now)
    assert stopped(breaker, OWN, now)
    assert stopped(breaker, LIST, now + OPEN_SECONDS - 1)
    assert not stopped(breaker, OWN, now + OPEN_SECONDS)
    breaker.record_success(OWN)
    assert not stopped(breaker, LIST, now + OPEN_SECONDS)


def test_a_request_that_a_permission_still_denies_does_not_count_as_a_look_at_the_key() -> None:
    breaker = CircuitBreaker()
    forbid(breaker, LIST, 110)
    reject(breaker, 100)
    assert stopped(breaker, LIST, 100 + OPEN_SECONDS)
    assert not stopped(breaker, OWN, 100 + OPEN_SECONDS)


def test_a_key_that_lacks_a_permission_is_a_known_key() -> None:
    breaker = CircuitBreaker()
    reject(breaker, 100)
    forbid(breaker, LIST, 101, times=1)
    assert not stopped(breaker, OWN, 102)


def test_a_request_that_shows_nothing_is_followed_by_another_at_once() -> None:
    breaker = CircuitBreaker()
    reject(breaker, 100)
    now = 100 + OPEN_SECONDS
    assert not stopped(breaker, LIST, now)
    breaker.record_no_verdict(LIST, now + 1)
    assert not stopped(breaker, OWN, now + 1)
    assert stopped(breaker, OWN, now + 2)


def test_where_nothing_is_denied_nothing_is_left_open() -> None:
    breaker = CircuitBreaker()
    breaker.record_no_verdict(OWN, 100)
    assert not stopped(breaker, OWN, 100)
    assert not stopped(breaker, OWN, 100)


def test_a_missing_permission_holds_back_its_endpoint_only() -> None:
    breaker = CircuitBreaker()
    forbid(breaker, LIST, 100)
    assert stopped(breaker, LIST, 101)
    assert not stopped(breaker, OWN, 101)


def test_a_path_that_is_forbidden_among_others_holds_back_nothing() -> None:
    breaker = CircuitBreaker()
    for now in range(100):
        forbid(breaker, OWN, now, times=DENIALS_TO_OPEN - 1)
        assert not stopped(breaker, OWN, now)
        breaker.record_success(OWN)
        assert not stopped(breaker, OWN, now)


def test_a_denial_that_goes_on_is_noticed_by_one_request() -> None:
    breaker = CircuitBreaker()
    forbid(breaker, OWN, 100)
    forbid(breaker, OWN, 100 + OPEN_SECONDS, times=1)
    assert stopped(breaker, OWN, 101 + OPEN_SECONDS)


def test_a_good_answer_ends_it_at_once() -> None:
    breaker = CircuitBreaker()
    reject(breaker, 100)
    forbid(breaker, OWN, 100)
    forbid(breaker, LIST, 100)
    breaker.record_success(OWN)
    assert not stopped(breaker, OWN, 101)
    assert stopped(breaker, LIST, 101)


def test_a_denial_lasts_until_a_good_answer_even_while_a_request_looks_whether_it_does() -> None:
    breaker = CircuitBreaker()
    assert not breaker.is_open(OWN)
    reject(breaker, 100)
    assert breaker.is_open(OWN)
    assert breaker.is_open(LIST)
    breaker.raise_if_open(OWN, 100 + OPEN_SECONDS)
    assert breaker.is_open(OWN)
    breaker.record_success(OWN)
    assert not breaker.is_open(OWN)
    forbid(breaker, LIST, 200)
    assert breaker.is_open(LIST)
    assert not breaker.is_open(OWN)


def test_each_poll_gets_an_error_of_its_own() -> None:
    """A raised exception holds its traceback: the same object raised again would grow without end."""
    breaker = CircuitBreaker()
    reject(breaker, 100)
    raised = []
    for _ in range(2):
        with pytest.raises(AuthError) as caught:
            breaker.raise_if_open(OWN, 100)
        raised.append(caught.value)
    assert raised[0] is not raised[1]


def test_one_path_whose_key_is_rejected_among_others_holds_back_nothing() -> None:
    breaker = CircuitBreaker()
    for now in range(100):
        reject(breaker, now, times=DENIALS_TO_OPEN - 1)
        assert not stopped(breaker, LIST, now)
        breaker.record_success(LIST)


def test_an_error_that_was_not_asked_for_says_so() -> None:
    breaker = CircuitBreaker()
    reject(breaker, 100)
    with pytest.raises(AuthError) as raised:
        breaker.raise_if_open(OWN, 101)
    assert raised.value.held_seconds == OPEN_SECONDS - 1
    assert AuthError("said by Braze").held_seconds is None
