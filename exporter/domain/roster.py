"""
Which integrations discovery has found, and when one is gone.

Decides by complete listings only: an integration is gone after two of them in a row have missed it. A listing that
broke off proves nothing, and one that is empty by mistake, or shifts while it is read, misses only once.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

MISSES = 2


@dataclass(frozen=True, slots=True)
class NameFilter:
    """Which names discovery takes: any that an *include* matches (all where there is none), but no *exclude*."""

    include: tuple[re.Pattern[str], ...] = ()
    exclude: tuple[re.Pattern[str], ...] = ()

    def takes(self, name: str) -> bool:
        """Whether an integration of this name is wanted. Expressions match anywhere in the name."""
        wanted = not self.include or any(pattern.search(name) for pattern in self.include)
        return wanted and not any(pattern.search(name) for pattern in self.exclude)


@dataclass(slots=True)
class Roster:
    """The integrations that listings have shown, with the complete listings in a row that missed each since."""

    _misses: dict[str, int] = field(default_factory=dict)

    def __contains__(self, integration_id: str) -> bool:
        return integration_id in self._misses

    def __len__(self) -> int:
        return len(self._misses)

    def saw(self, integration_ids: Iterable[str]) -> None:
        """Note what any page of a listing has shown."""
        self._misses.update(dict.fromkeys(integration_ids, 0))

    def drop(self, integration_id: str) -> None:
        """Forget one that is no longer wanted."""
        self._misses.pop(integration_id, None)

    def close(self, seen: Iterable[str]) -> Sequence[str]:
        """Note that a listing was complete and has shown *seen*; return those that are gone now."""
        shown = set(seen)
        for integration_id in self._misses:
            self._misses[integration_id] = 0 if integration_id in shown else self._misses[integration_id] + 1
        gone = [integration_id for integration_id, misses in self._misses.items() if misses >= MISSES]
        for integration_id in gone:
            del self._misses[integration_id]
        return gone
