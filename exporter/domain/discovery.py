"""
The integrations that discovery has found, and when one is gone.

Only complete listings count: an integration is gone after two of them in a row have missed it. A listing that broke off
proves nothing, and one that is empty in error, or shifts while it is read, misses only once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from exporter.domain.expression import Expression

MISSES = 2


@dataclass(frozen=True, slots=True)
class NameFilter:
    """Which names discovery takes: any that an *include* matches (all where there is none), but no *exclude*."""

    include: tuple[Expression, ...] = ()
    exclude: tuple[Expression, ...] = ()

    def takes(self, name: str) -> bool:
        """Whether an integration of this name is wanted. Expressions match anywhere in the name."""
        wanted = not self.include or any(pattern.search(name) for pattern in self.include)
        return wanted and not any(pattern.search(name) for pattern in self.exclude)


@dataclass(slots=True)
class Discovery:
    """The integrations seen in listings, each with the number of complete listings in a row that have missed it."""

    _misses: dict[str, int] = field(default_factory=dict)

    def observe(self, integration_ids: Iterable[str]) -> None:
        """Record what any page of a listing contains."""
        self._misses.update(dict.fromkeys(integration_ids, 0))

    def forget(self, integration_id: str) -> None:
        """Forget one that is no longer wanted."""
        self._misses.pop(integration_id, None)

    def complete_listing(self, seen: Iterable[str]) -> Sequence[str]:
        """Record that a complete listing contained *seen*; return the integrations that are gone now."""
        shown = set(seen)
        for integration_id in self._misses:
            self._misses[integration_id] = 0 if integration_id in shown else self._misses[integration_id] + 1
        gone = [integration_id for integration_id, misses in self._misses.items() if misses >= MISSES]
        for integration_id in gone:
            del self._misses[integration_id]
        return gone
