"""
What the list shows beside what is watched: integrations nobody watches, and those that took over the name of another.

Knows one walk through the list at a time. No series is ever moved to another id: the log says so.
"""

from collections.abc import Iterable, Iterator

from exporter.domain.listing import ListedIntegration
from exporter.poller.shell import Watched


class Coverage:
    """Filled page by page, and emptied when the list has been read to its end."""

    def __init__(self) -> None:
        self._unwatched: dict[str, str] = {}
        """Id to name."""

    def note(self, listed: ListedIntegration) -> None:
        """Note an integration that nobody watches; a draft needs no watching."""
        if not listed.is_draft:
            self._unwatched[listed.integration_id] = listed.integration_name or listed.integration_id

    def heirs(self, watched: Iterable[Watched], listed: frozenset[str]) -> Iterator[tuple[Watched, str]]:
        """Yield the configured integrations whose name, or no longer so, has another id while *listed* lacks theirs."""
        everyone = tuple(watched)
        named = {one.view.integration.integration_name: one.key for one in everyone if not one.configured}
        named |= {name: key for key, name in self._unwatched.items()}
        for one in everyone:
            heir = "" if one.key in listed else named.get(one.view.integration.integration_name, "")
            if one.configured and heir != one.state.session.replaced_by:
                yield one, heir

    def complete(self) -> tuple[str, ...]:
        """Return the names of what nobody watches, and start over."""
        names, self._unwatched = tuple(self._unwatched.values()), {}
        return names
