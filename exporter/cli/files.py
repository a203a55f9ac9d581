"""Replacing a file in one step, so that nobody ever reads half of it: node_exporter's textfile collector demands it."""

import os
import tempfile
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """
    Put *content* at *path*: written beside it first, then renamed. The mode of an existing file stays.

    Raises:
        OSError: It cannot be written; what stood there before still does.

    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            os.fchmod(stream.fileno(), _mode(path))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int:
    """Readable by all where the file is new: the textfile collector runs as another user."""
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return 0o644
