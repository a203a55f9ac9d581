"""Fakes at the border to Braze: a sender that answers what a test says, and an observer that remembers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.braze.wire import Request, Response

GOOD = Response(200, {"content-type": "application/json"}, b'{"results": [], "message": "success"}')


@dataclass
class FakeSender:
    """Answers each request by *answer*, which may raise."""

    answer: Callable[[Request], Response] = lambda _: GOOD
    sent: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        self.sent.append(request)
        return self.answer(request)


@dataclass
class Observed:
    """What an observer of requests was told, in order."""

    answers: list[tuple[str, str, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    odd: dict[str, int] = field(default_factory=dict)
    skews: list[float] = field(default_factory=list)
    throttled_seconds: dict[str, float] = field(default_factory=dict)
    limits: list[tuple[float | None, float | None, float | None]] = field(default_factory=list)

    def request_answered(self, workspace: str, endpoint: str, code: str, seconds: float) -> None:
        self.answers.append((workspace, endpoint, code))
        self.seconds.append(seconds)

    def anomalies(self, workspace: str, endpoint: str, kind: str, count: int) -> None:
        self.odd[kind] = self.odd.get(kind, 0) + count

    def clock_skew(self, workspace: str, seconds: float) -> None:
        self.skews.append(seconds)

    def throttled(self, workspace: str, endpoint: str, seconds: float) -> None:
        self.throttled_seconds[endpoint] = self.throttled_seconds.get(endpoint, 0.0) + seconds

    def rate_limit_seen(
        self,
        workspace: str,
        endpoint: str,
        *,
        limit: float | None,
        remaining: float | None,
        reset_at_seconds: float | None,
    ) -> None:
        self.limits.append((limit, remaining, reset_at_seconds))
