"""A loop that must not end: its crash is logged and it is started again; cancelling always gets through."""

import asyncio
from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger

RESTART_SECONDS = 10.0
"""Between a crash and the restart."""


class Supervised:
    """
    Runs *body* until cancelled, and again after a crash.

    Args:
        name: What the loop is called in the log and in `/-/healthy`.
        body: Runs until cancelled.
        log: Bound to the workspace.

    """

    def __init__(self, name: str, body: Callable[[], Awaitable[None]], log: FilteringBoundLogger) -> None:
        self._name = name
        self._body = body
        self._log = log
        self._crash: str | None = None

    def unhealthy(self) -> str | None:
        """Why the loop does not run at this moment; None when it does."""
        if self._crash is None:
            return None
        return f"the {self._name} loop crashed ({self._crash}) and will be restarted; the log has the traceback"

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            self._crash = None
            try:
                await self._body()
            except Exception as error:  # noqa: BLE001 - whatever it is, the loop must go on
                self._crash = type(error).__name__
                self._log.error("loop crashed", loop=self._name, exc_info=error, restart_in_seconds=RESTART_SECONDS)
            await asyncio.sleep(RESTART_SECONDS)
