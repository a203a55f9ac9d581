"""
Tells the service manager how the daemon is doing: the protocol of sd_notify(3), for a unit of `Type=notify`.

Decides what is sent: READY once the pages can be read, RELOADING around each reload on SIGHUP, STOPPING as soon as the
daemon ends, and WATCHDOG for as long as the poll loops live, by the same rule as `/-/healthy`. Without `NOTIFY_SOCKET`
in the environment there is nobody to tell. A message that cannot be sent is dropped: the daemon never fails or waits
for it.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping

from exporter.clock import Clock

_MOST_DIGITS = 20
"""systemd's times have 64 bits."""


class ServiceManager:
    """
    The service manager that started the daemon, if one did.

    Args:
        environ: Holds `NOTIFY_SOCKET`, and `WATCHDOG_USEC` and `WATCHDOG_PID` where a watchdog is set.
        unhealthy: What is wrong with the poll loops; empty while all live.
        clock: Dates a reload.

    """

    def __init__(self, environ: Mapping[str, str], unhealthy: Callable[[], tuple[str, ...]], clock: Clock) -> None:
        # A leading "@" stands for the zero byte of Linux' abstract names.
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._unhealthy = unhealthy
        self._clock = clock
        self._watchdog_seconds = _watchdog_seconds(environ)

    async def keep_informed(self) -> None:
        """Tell that the daemon is ready, then that it lives, and when this is cancelled, that it stops."""
        self._tell("READY=1")
        try:
            while True:
                # Twice in its time, as sd_watchdog_enabled(3) recommends.
                await asyncio.sleep(self._watchdog_seconds / 2 if self._watchdog_seconds else 3600)
                if self._watchdog_seconds and not self._unhealthy():
                    self._tell("WATCHDOG=1")
        except asyncio.CancelledError:
            self._tell("STOPPING=1")
            raise

    @contextlib.asynccontextmanager
    async def reloading(self) -> AsyncIterator[None]:
        """Tell that a reload goes on for as long as the body does; the daemon serves meanwhile and afterwards."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={int(self._clock.monotonic() * 1_000_000)}")
        try:
            yield
        finally:
            self._tell("READY=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.setblocking(False)
            manager.sendto("\n".join(lines).encode(), self._address)


def _watchdog_seconds(environ: Mapping[str, str]) -> float:
    """How often the manager must hear of us; 0 where it does not ask, or asks another process."""
    period = environ.get("WATCHDOG_USEC", "")
    ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    readable = period.isdecimal() and len(period) <= _MOST_DIGITS
    return int(period) / 1_000_000 if ours and readable else 0.0
