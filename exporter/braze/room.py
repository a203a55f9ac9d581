"""
How many requests may be under way, of one workspace and of all together, so that a silent Braze holds its share only.

Knows nothing of what is sent; whether it was answered is whether the turn ended without an error.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from exporter.turns import Pace, Rank, Turns


@dataclass(frozen=True, slots=True)
class Room:
    """What a workspace may have under way: its share, and *turns* and *pace* of all workspaces together."""

    turns: Turns
    pace: Pace
    at_once: int = 16
    kept: int = 4
    """Idle connections, for its next requests."""


class Share:
    """One workspace's turns in a *room*."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._at_once = asyncio.Semaphore(room.at_once)
        self._under_way = 0
        self._silent = False
        """Whether the latest request that ended has had no answer."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait, at nobody's expense, until a request may be under way."""
        async with self._at_once, self._room.turns.take(self._rank):
            self._under_way += 1
            try:
                await self._room.pace.begin()
                yield
                self._silent = False
            except Exception:
                self._silent = True
                raise
            finally:
                self._under_way -= 1

    def _rank(self) -> Rank:
        return self._silent, self._under_way
