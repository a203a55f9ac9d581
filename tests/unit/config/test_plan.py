from dataclasses import replace

import pytest

from exporter.config.plan import PlannedRequests, describe_history, plan_requests
from exporter.domain.model import Integration
from exporter.domain.settings import DiscoverySettings, PollSettings, RateLimits, WorkspaceSettings

WITHOUT = "job_sync_status without the permission cdi.integration_list"


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
    assert "\n".join(str(planned) for planned in plan_requests(settings(30, 120.0))) == (
        "production: integrations: at least 1.5 of 40 requests a minute (limit 50),"
        " one for each 10 integrations, every 2m\n"
        "production: job_sync_status: at least 0.5 of 80 requests a minute (limit 100),"
        " each integration when its latest sync changes, else every 1h\n"
        f"production: {WITHOUT}: 15 of 80 requests a minute (limit 100), 30 integrations, each every 2m"
    )


def test_with_discovery_alone_nothing_can_be_polled_without_the_permission_to_list() -> None:
    assert str(worst_case(settings(0, discovery=True))) == (
        f"production: {WITHOUT}: none, as no integration is in the file"
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (settings(1), "1 of 80 requests a minute (limit 100), 1 integration, each every 1m"),
        (settings(30, 90.0), "20 of 80 requests a minute (limit 100), 30 integrations, each every 1m30s"),
        (settings(1, 400.0), "0.15 of 80 requests a minute (limit 100), 1 integration, each every 6m40s"),
        (
            settings(100, limits=RateLimits(job_sync_status=100, share=0.5)),
            (
                "100 of 50 requests a minute (limit 100), 100 integrations, each every 2m2s instead of 1m"
                " (raise the limit, the share or the interval)"
            ),
        ),
    ],
)
def test_without_the_list_each_integration_costs_a_request_an_interval(given: WorkspaceSettings, words: str) -> None:
    assert str(worst_case(given)) == f"production: {WITHOUT}: {words}"


@pytest.mark.parametrize(("integrations", "requests"), [(0, 1), (1, 1), (10, 1), (11, 2), (500, 50)])
def test_the_list_costs_a_request_for_each_ten_integrations(integrations: int, requests: int) -> None:
    listing, _, _ = plan_requests(settings(integrations, discovery=True))
    assert listing.requests_per_minute == requests


def test_a_list_beyond_its_own_share_is_read_less_often() -> None:
    listing, _, _ = plan_requests(settings(500, limits=RateLimits(integrations=40, share=0.5)))
    assert str(listing) == (
        "production: integrations: at least 50 of 20 requests a minute (limit 40), one for each 10 integrations,"
        " every 2m33s instead of 1m (raise the limit, the share or the interval)"
    )


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
