"""A socket like systemd's, on which a daemon tells how it is."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def service_manager(folder: Path, timeout: float) -> Iterator[socket.socket]:
    """Listen on a socket in *folder*; its name is the one to be put into `NOTIFY_SOCKET`."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            # Through the descriptor, because the name of a socket has at most 107 bytes, and a temporary folder many.
            listening.bind(f"/proc/{os.getpid()}/fd/{directory}/notify")
            listening.settimeout(timeout)
            yield listening
    finally:
        os.close(directory)
