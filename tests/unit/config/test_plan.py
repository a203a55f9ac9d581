import pytest

from exporter.config.plan import plan_requests
from exporter.domain.model import Integration
from exporter.domain.settings import PollSettings, RateLimits, WorkspaceSettings


def settings(
    integrations: int, interval_seconds: float = 60.0, limit: int = 100, share: float = 0.8
) -> WorkspaceSettings:
    return WorkspaceSettings(
        "production",
        "https://rest.iad-03.braze.com",
        PollSettings(interval_seconds=interval_seconds),
        RateLimits(job_sync_status=limit, share=share),
        tuple(Integration("production", str(n), str(n)) for n in range(integrations)),
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (settings(1), "1 of 80 requests a minute (limit 100), 1 integration, each every 1m"),
        (settings(80), "80 of 80 requests a minute (limit 100), 80 integrations, each every 1m"),
        (settings(30, 90.0), "20 of 80 requests a minute (limit 100), 30 integrations, each every 1m30s"),
        (settings(1, 400.0), "0.15 of 80 requests a minute (limit 100), 1 integration, each every 6m40s"),
        (
            settings(100, 60.0, 100, 0.5),
            (
                "100 of 50 requests a minute (limit 100), 100 integrations, each every 2m instead of 1m"
                " (raise the limit, the share or the interval)"
            ),
        ),
    ],
)
def test_the_plan_is_one_line_for_people(given: WorkspaceSettings, words: str) -> None:
    (planned,) = plan_requests(given)
    assert str(planned) == f"production: job_sync_status: {words}"


def test_the_interval_grows_only_when_the_share_does_not_serve_it() -> None:
    (enough,), (short,) = plan_requests(settings(80)), plan_requests(settings(81))
    assert (enough.served, enough.interval_in_effect_seconds) == (True, 60.0)
    assert (short.served, short.interval_in_effect_seconds) == (False, 60.75)
