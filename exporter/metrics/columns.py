"""
One family's ready lines, slot by slot.

A slot is the place of one integration in every column; without lines there is nothing that this integration shows of
the family. A column knows neither views nor staleness: it stores what it is given, and hands out pieces, which later
changes do not touch.
"""

from exporter.metrics.family import Family
from exporter.metrics.pieces import BLOCK_SLOTS, Block, Piece
from exporter.metrics.text import Kind, render_labels, render_number

_AT_ONCE = 512
"""Lines of a piece that is new at each scrape."""


def render_lines(family: Family, labels: str, value: object) -> bytes:
    """
    The sample lines of *family* for one integration; empty when there is nothing to show.

    Args:
        family: the entry of the catalogue.
        labels: the integration's labels as `render_labels` writes them.
        value: the field of the view that the family reads.
    """
    if value is None:
        return b""
    lines = []
    for pairs, number in family.samples(value):
        text = render_number(number)
        if text is None or (family.kind is Kind.COUNTER and number < 0):
            continue
        extra = "," + render_labels(pairs) if pairs else ""
        lines.append(f"{family.name}{{{labels}{extra}}} {text}\n")
    return "".join(lines).encode()


class Column:
    """The lines of one family."""

    __slots__ = ("_blocks", "family")

    def __init__(self, family: Family) -> None:
        self.family = family
        self._blocks: list[Block] = []

    def put(self, slot: int, lines: bytes) -> None:
        """Replace the lines of *slot*, which is one that was there before or the next."""
        block, place = divmod(slot, BLOCK_SLOTS)
        if block == len(self._blocks):
            self._blocks.append(Block())
        self._blocks[block].put(place, lines)

    def pieces(self, nows: list[int]) -> list[Piece]:  # noqa: ARG002 - what LagColumn needs
        """The lines of all slots, each as of its *now* in microseconds."""
        return [block.piece() for block in self._blocks]


class LagColumn(Column):
    """
    The lines of a family whose value is now minus a moment.

    Each entry is a line rendered with the moment itself as its value: the part before the value is kept, and the value
    is written at the scrape.
    """

    __slots__ = ("_moments", "_prefixes")

    def __init__(self, family: Family) -> None:
        super().__init__(family)
        self._prefixes: list[bytes] = []
        self._moments: list[int] = []

    def put(self, slot: int, lines: bytes) -> None:
        if slot == len(self._prefixes):
            self._prefixes.append(b"")
            self._moments.append(0)
        # The value is what follows the last blank: a label value may hold blanks, a number does not.
        prefix, blank, moment = lines.rpartition(b" ")
        self._prefixes[slot] = prefix + blank
        self._moments[slot] = int(moment) if moment else 0

    def pieces(self, nows: list[int]) -> list[Piece]:
        ready = [
            b"%b%a\n" % (prefix, (now - moment) / 1_000_000) if prefix else b""
            for prefix, moment, now in zip(self._prefixes, self._moments, nows, strict=True)
        ]
        return [Piece(b"".join(ready[start : start + _AT_ONCE])) for start in range(0, len(ready), _AT_ONCE)]
