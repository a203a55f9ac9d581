"""
One family's ready lines, one entry for each slot, with their total size kept up to date.

A slot is the place of one integration in every column; an empty entry is a family of which that integration shows
nothing. A column knows neither views nor staleness: it stores what it is given, and hands out tuples, which later
changes do not touch.
"""

from exporter.metrics.family import Family
from exporter.metrics.text import Kind, render_labels, render_number


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

    __slots__ = ("_lines", "family", "size")

    def __init__(self, family: Family) -> None:
        self.family = family
        self.size = 0
        """Bytes of all lines together."""
        self._lines: list[bytes] = []

    def add_slot(self) -> None:
        self._lines.append(b"")

    def put(self, slot: int, lines: bytes) -> None:
        """Replace the lines of *slot*."""
        self.size += len(lines) - len(self._lines[slot])
        self._lines[slot] = lines

    def lines(self, nows: list[int]) -> tuple[tuple[bytes, ...], int]:  # noqa: ARG002 - what LagColumn needs
        """The lines of all slots, each as of its *now* in microseconds, and their total size in bytes."""
        return tuple(self._lines), self.size


class LagColumn(Column):
    """
    The lines of a family whose value is now minus a moment.

    Each entry is a line rendered with the moment itself as its value: the part before the value is kept, and the value
    is written at the scrape.
    """

    __slots__ = ("_moments",)

    def __init__(self, family: Family) -> None:
        super().__init__(family)
        self._moments: list[int] = []

    def add_slot(self) -> None:
        super().add_slot()
        self._moments.append(0)

    def put(self, slot: int, lines: bytes) -> None:
        # The value is what follows the last blank: a label value may hold blanks, a number does not.
        prefix, blank, moment = lines.rpartition(b" ")
        super().put(slot, prefix + blank)
        self._moments[slot] = int(moment) if moment else 0

    def lines(self, nows: list[int]) -> tuple[tuple[bytes, ...], int]:
        ready = [
            b"%b%a\n" % (prefix, (now - moment) / 1_000_000) if prefix else b""
            for prefix, moment, now in zip(self._lines, self._moments, nows, strict=True)
        ]
        return tuple(ready), sum(map(len, ready))
