"""
The workspaces that a replica polls.

A workspace is never split, because its rate limit belongs to it as a whole. The hash is of the name alone and the same
on every machine, so that each workspace is polled by exactly one of the replicas that agree on their number.
"""

import re
import zlib
from dataclasses import dataclass

_FORM = re.compile(r"(\d{1,6})/(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Shard:
    """Replica *index* (from 0) of *count*."""

    index: int = 0
    count: int = 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def takes(self, workspace: str) -> bool:
        """Whether this replica polls *workspace*."""
        return zlib.crc32(workspace.encode(errors="replace")) % self.count == self.index


def parse_shard(text: str) -> Shard:
    """
    Read `i/n`.

    Raises:
        ValueError: With a sentence that names the error.

    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"shard {text!r} is not of the form i/n, such as 0/3")
    index, count = int(match[1]), int(match[2])
    if index >= count:
        raise ValueError(f"shard {text!r}: i counts from 0, so it must be less than n")
    return Shard(index, count)
