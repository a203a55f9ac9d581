from dataclasses import replace

import pytest

from exporter.config.plan import PlannedRequests, describe_history, plan_requests
from exporter.domain.model import Integration
from exporter.domain.settings import DiscoverySettings, PollSettings, RateLimits, WorkspaceSettings


def settings(
    integrations: int, interval_seconds: float = 60.0, limits: RateLimits | None = None, *, discovery: bool = False
) -> WorkspaceSettings:
    return WorkspaceSettings(
        "production",
        "https://rest.iad-03.braze.com",
        PollSettings(interval_seconds=interval_seconds),
        limits or RateLimits(),
        tuple(Integration("production", str(n), str(n)) for n in range(integrations)),
        DiscoverySettings(enabled=discovery),
    )


def worst_case(given: WorkspaceSettings) -> PlannedRequests:
    *_, worst = plan_requests(given)
    return worst


def test_the_plan_says_what_a_key_costs_that_may_list_and_one_that_may_not() -> None:
    assert [planned.as_row() for planned in plan_requests(settings(30, 120.0))] == [
        ("production", "integrations", "yes", "at least 1.5", "40", "50", "2m"),
        ("production", "job_sync_status", "yes", "at least 0.5", "80", "100", "1h"),
        ("production", "job_sync_status", "no", "15", "80", "100", "2m"),
    ]


def test_with_discovery_alone_nothing_can_be_polled_without_the_permission_to_list() -> None:
    assert worst_case(settings(0, discovery=True)).as_row()[3] == "0"


@pytest.mark.parametrize(
    ("given", "cells"),
    [
        (settings(1), ("1", "80", "100", "1m")),
        (settings(30, 90.0), ("20", "80", "100", "1m30s")),
        (settings(1, 400.0), ("0.15", "80", "100", "6m40s")),
        (settings(100, limits=RateLimits(job_sync_status=100, share=0.5)), ("100", "50", "100", "2m2s instead of 1m")),
    ],
)
def test_without_the_list_each_integration_costs_a_request_an_interval(
    given: WorkspaceSettings, cells: tuple[str, ...]
) -> None:
    assert worst_case(given).as_row()[3:] == cells


@pytest.mark.parametrize(("integrations", "requests"), [(0, 1), (1, 1), (10, 1), (11, 2), (500, 50)])
def test_the_list_costs_a_request_for_each_ten_integrations(integrations: int, requests: int) -> None:
    listing, _, _ = plan_requests(settings(integrations, discovery=True))
    assert listing.requests_per_minute == requests


def test_a_list_beyond_its_own_share_is_read_less_often() -> None:
    listing, _, _ = plan_requests(settings(500, limits=RateLimits(integrations=40, share=0.5)))
    assert listing.as_row()[3:] == ("at least 50", "20", "40", "2m33s instead of 1m")
    assert listing.warning == "integrations cannot be asked every 1m: raise the limit, the share or the interval"


def test_the_interval_grows_only_when_the_share_does_not_serve_it() -> None:
    enough, short = worst_case(settings(78)), worst_case(settings(79))
    assert (enough.served, enough.interval_in_effect_seconds) == (True, 60.0)
    assert not short.served
    assert short.interval_in_effect_seconds == pytest.approx(79 * 61 / 80)


@pytest.mark.parametrize(
    ("integrations", "interval", "days", "words"),
    [
        (1, 3600, 90, "90d of 1 integration: at most 216 requests, read in 6m or more"),
        (50, None, 90, "90d of 50 integrations: at most 12,500 requests, read in 5h13m or more"),
        (1, 86400, 30, "30d of 1 integration: at most 3 requests, read in 1m or more"),
        (1, 864000, 90, "90d of 1 integration: at most 1 request, read in 1m or more"),
        (1, 300, 90, "90d of 1 integration: at most 250 requests, read in 7m or more"),
    ],
)
def test_the_plan_says_what_the_history_costs(integrations: int, interval: int | None, days: int, words: str) -> None:
    given = settings(integrations)
    given = replace(
        given,
        history_seconds=days * 86400.0,
        integrations=tuple(replace(one, expected_interval_seconds=interval) for one in given.integrations),
    )
    assert describe_history(given) == f"production: history: {words} with half of what polls leave free"


def test_without_a_history_the_plan_says_so() -> None:
    assert describe_history(settings(3)) == "production: history: none is read, so no limit is learned"


def test_the_history_of_what_discovery_will_find_is_told_without_a_cost() -> None:
    given = replace(settings(0), history_seconds=90 * 86400.0)
    assert describe_history(given) == "production: history: 90d of each integration that discovery finds"
