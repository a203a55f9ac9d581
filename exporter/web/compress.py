"""
gzip, by ISA-L or, where that is not installed, by zlib: of a whole text, bit by bit, or of the pieces of a page.

Each piece of a page is compressed on its own, down to a byte's boundary and without a look at the one before it
(zlib's "full flush"), and what comes out is kept with the piece. A member of gzip is then a header, those, and the
checksum of all, combined from theirs. So of a page that is scraped again only what has changed is compressed; it gets
no larger by that.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from exporter.metrics.pieces import Piece, in_chunks

try:
    from isal import isal_zlib as zlib
except ImportError:  # installed without the extra "isal"
    import zlib  # type: ignore[no-redef]

_GZIP_WINDOW = 31
"""zlib's spelling of "gzip header, largest window"."""
_BARE_WINDOW = -15
"""And of "no header, largest window"."""

_LEVEL = 1
"""Of ISA-L's 0 to 3: level 0 costs as much and is a third larger, those above save nothing on these pages."""

TEXT_BYTES = 1024 * 1024
"""About how much of a page is compressed at a time."""

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""A member without a name or a time, compressed quickly, on an unknown system (RFC 1952)."""
_LAST_BLOCK = b"\x03\x00"
"""A block with nothing in it that says it is the last (RFC 1951)."""


_combine = getattr(zlib, "crc32_combine", None)
"""Makes two checksums one; Python's own zlib has it from 3.15 on."""


class _Packed(NamedTuple):
    """A piece as the stream holds it."""

    deflated: bytes
    checksum: int
    length: int
    """Of what was deflated."""


def compress(data: bytes) -> bytes:
    """*data* as a member of gzip."""
    compressed: bytes = zlib.compress(data, _LEVEL, _GZIP_WINDOW)
    return compressed


def start_gzip() -> Any:
    """A compressor whose output is a member of gzip."""
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)


def compress_pieces(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """A member of gzip of all pieces, in parts of about *TEXT_BYTES* of text each."""
    begin, checksum, length = _HEADER, 0, 0
    for group in in_chunks(pieces, TEXT_BYTES):
        parts = [begin]
        for piece in group:
            packed: _Packed = piece.packed or _pack(piece)
            parts.append(packed.deflated)
            length += packed.length
            if _combine:
                checksum = _combine(checksum, packed.checksum, packed.length)
            else:
                checksum = zlib.crc32(piece.data, checksum)
        yield b"".join(parts)
        begin = b""
    yield begin + _LAST_BLOCK + checksum.to_bytes(4, "little") + (length % 2**32).to_bytes(4, "little")


def _pack(piece: Piece) -> _Packed:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _BARE_WINDOW)
    deflated = compressor.compress(piece.data) + compressor.flush(zlib.Z_FULL_FLUSH)
    packed = _Packed(deflated, zlib.crc32(piece.data), len(piece.data))
    piece.packed = packed
    return packed
