"""
What a page is made of: pieces of joined lines, which never change, and blocks, which always have their current piece.

A page of 10,000 integrations has 400,000 lines, and between two scrapes few of them change. So the lines of neighbours
in a column stay joined, in a block of so few that a changed line costs two microseconds and most blocks are the same at
the next scrape. As a piece never changes, a scrape keeps what it shows by holding pieces, and what a compressor has
made of one is kept with it.
"""

from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

BLOCK_SLOTS = 64
"""Measured with 10,000 integrations: most of the larger ones change between two scrapes, smaller ones cost walking."""

CHUNK_BYTES = 128 * 1024
"""
About how much of the page is joined and sent at a time. Measured with 64 MB: 256 kB take 3% more CPU for a scrape, 1 MB
20%, as what does not fit into the socket's buffer is copied.
"""


class Piece:
    """Lines as they are sent."""

    __slots__ = ("data", "packed")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.packed: Any = None
        """For those who compress it: what they have made of *data*."""


class Block:
    """The lines of some neighbouring slots. What is put there is joined with the rest once somebody wants the piece."""

    __slots__ = ("_lengths", "_piece", "_put")

    def __init__(self) -> None:
        self._piece = Piece(b"")
        self._lengths = array("I", [0] * BLOCK_SLOTS)
        """Of each slot's lines in the piece."""
        self._put: dict[int, bytes] = {}
        """Lines of slots that the piece does not have yet."""

    def put(self, slot: int, lines: bytes) -> None:
        """Replace the lines of *slot*."""
        self._put[slot] = lines
        if len(self._put) == BLOCK_SLOTS:  # joined at once they need a third less memory than apart
            self.piece()

    def piece(self) -> Piece:
        """The lines of all slots; the same piece as before unless some are others."""
        if self._put:
            data, ends = self._piece.data, list(accumulate(self._lengths))
            joined: list[bytes] = []
            at = 0
            for slot, lines in sorted(self._put.items()):
                joined += (data[at : ends[slot] - self._lengths[slot]], lines)
                at = ends[slot]
                self._lengths[slot] = len(lines)
            self._put.clear()
            new = b"".join((*joined, data[at:]))
            if new != data:
                self._piece = Piece(new)
        return self._piece


def in_chunks(pieces: Iterable[Piece], chunk_bytes: int = CHUNK_BYTES) -> Iterator[list[Piece]]:
    """*pieces* in groups of about *chunk_bytes*, none of them empty; a small page is one group."""
    group: list[Piece] = []
    size = 0
    for piece in pieces:
        group.append(piece)
        size += len(piece.data)
        if size >= chunk_bytes:
            yield group
            group, size = [], 0
    if size:
        yield group
