"""
A sender that carries requests to a simulated world in virtual time, without sockets.

It does what `braze/client.py` does with what befalls an answer on its way: no answer in time, a lost connection and a
body too large become the same errors. How long a request takes is drawn from a seed. The world hears of it halfway.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from exporter.braze.client import MAX_BODY_BYTES
from exporter.braze.wire import Request, Response
from exporter.domain.errors import NetworkError, PayloadError, TimedOutError
from tests.mutations import Answer
from tests.virtual_time import VirtualClock
from tests.world import World, handle


@dataclass(slots=True)
class Latency:
    """How long requests take, in seconds: mostly *usual*, now and then up to *longest*."""

    usual: float = 0.2
    longest: float = 3.0

    def draw(self, random: Random) -> float:
        """Return the seconds for one request."""
        return random.uniform(self.usual, self.longest) if random.random() < 0.05 else random.uniform(0, self.usual)


def _ignore(_request: Request, _answer: Answer) -> None:
    pass


@dataclass(slots=True)
class VirtualSender:
    """Sends to one workspace of *world* with *key*; `heard` is told each answer at the moment Braze gives it."""

    world: World
    clock: VirtualClock
    key: str
    random: Random
    timeout_seconds: float = 20.0
    latency: Latency = field(default_factory=Latency)
    heard: Callable[[Request, Answer], None] = _ignore
    sent: int = 0

    async def send(self, request: Request) -> Response:
        """Send, and wait for the complete answer, as the real sender does."""
        self.sent += 1
        seconds = self.latency.draw(self.random)
        await asyncio.sleep(seconds / 2)
        headers = {"authorization": f"Bearer {self.key}"}
        answer = handle(self.world, self.clock.true_now(), "GET", request.path, request.query, headers)
        self.heard(request, answer)
        if answer.fault in {"hang", "drip"}:
            await asyncio.sleep(max(0.0, self.timeout_seconds - seconds / 2))
            raise TimedOutError(f"no complete answer within {self.timeout_seconds:g} s")
        await asyncio.sleep(seconds / 2)
        if answer.fault is not None:
            raise NetworkError("the connection was lost")
        if len(answer.body) > MAX_BODY_BYTES:
            raise PayloadError("too large")
        return Response(answer.status, answer.headers, answer.body)
