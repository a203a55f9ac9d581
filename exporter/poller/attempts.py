"""
What of a workspace has been tried: readiness waits for the first attempt, `once` for all of them.

Decides nothing about success: an attempt that failed is one. Knows nothing of requests.
"""

import asyncio


class Attempts:
    """Which integrations, and whether the list, are still to be tried for the first time."""

    def __init__(self) -> None:
        self.any = False
        """Whether anything has been tried."""
        self.all = asyncio.Event()
        """Set once the list was tried and every integration has been polled."""
        self.outstanding: set[str] = set()
        """Integrations that have not been polled yet."""
        self._list_tried = False

    def expect(self, integration_id: str) -> None:
        """Take in an integration that is to be polled."""
        self.outstanding.add(integration_id)

    def note(self, integration_id: str) -> None:
        """Note that an integration was polled, or that it is gone."""
        self.any = True
        self.outstanding.discard(integration_id)
        self._look()

    def note_list(self) -> None:
        """Note that the list was read, or could not be."""
        self.any = self._list_tried = True
        self._look()

    def _look(self) -> None:
        if self._list_tried and not self.outstanding:
            self.all.set()
