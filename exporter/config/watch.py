"""
Whether a configuration file is another one than before.

Decides by content: a file that was touched, or a ConfigMap whose links were swapped, with the same content in it is no
change. Cheap while nothing happens: the content is read again only when the file's status differs. Knows nothing of
timers, nor what is in the file.
"""

import hashlib
from pathlib import Path

from exporter.config.document import MAX_BYTES
from exporter.config.files import Signature, file_signature, read_small_file

_MISSES = 2
"""So many looks in a row must find no readable file: an editor may just be replacing it."""


class ConfigWatch:
    """Watches one file. Make it before the file is loaded, so that no change between the two is missed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: bytes | None = None
        self._misses = 0
        self._newest: bytes | None = None
        self._signature: Signature | None = None
        self._settled = False
        """Whether the content was read at least twice with this signature, which one write may leave as it was."""
        self.changed()

    def changed(self) -> bool:
        """
        Whether the content differs from what it was at the last call. Never raises.

        A file that is gone, or cannot be read, is a change at the second look: then a reload says why.
        """
        content = self._look()
        self._misses = 0 if content is not None else self._misses + 1
        if 0 < self._misses < _MISSES:
            return False
        before, self._known = self._known, content
        return content != before

    def _look(self) -> bytes | None:
        """Return a digest of the content as it is now; None when there is none."""
        try:
            signature = file_signature(Path(self._path).stat())
            if self._settled and signature == self._signature:
                return self._newest
            content, status = read_small_file(self._path, most_bytes=MAX_BYTES)
        except (OSError, ValueError):  # the latter for what is no regular file, too large, or has a zero byte as name
            self._signature = None
            return None
        signature = file_signature(status)
        self._settled = signature == self._signature
        self._signature = signature
        self._newest = hashlib.sha256(content).digest()
        return self._newest
