"""Who wants to know about requests to Braze, and what they get."""

from collections.abc import Callable, Mapping
from typing import Protocol

from exporter.domain.asked import Asked

NoteAnomalies = Callable[[Mapping[str, int]], None]
NoteAsked = Callable[[str, Asked], None]
"""Called for each request that was sent, and of the integration it was about, if it was about one."""


class RequestObserver(Protocol):
    """Who wants to know about requests; `metrics/self_metrics.py` does."""

    def request_answered(self, workspace: str, endpoint: str, code: str, seconds: float) -> None: ...
    def throttled(self, workspace: str, endpoint: str, seconds: float) -> None: ...
    def anomalies(self, workspace: str, endpoint: str, kind: str, count: int) -> None: ...
    def clock_skew(self, workspace: str, seconds: float) -> None: ...
    def rate_limit_seen(
        self,
        workspace: str,
        endpoint: str,
        *,
        limit: float | None,
        remaining: float | None,
        reset_at_seconds: float | None,
    ) -> None: ...
