"""A drawing as SVG: rectangles, lines and text, and nothing that knows what they stand for."""

from collections.abc import Sequence
from html import escape

BACKGROUND = "#14171a"
CARD = "#1c2024"
TEXT = "#e6e8ea"
QUIET = "#a3abb3"
LINK = "#82b1ff"
GRID = "#30363c"

_WIDTH_OF_A_LETTER = 0.56
"""Of its size, on average; the font is the reader's."""

Point = tuple[float, float]


class Drawing:
    """Collects shapes; later ones lie above earlier ones."""

    def __init__(self, width: float, height: float) -> None:
        self._size = (width, height)
        self._shapes: list[str] = []
        self.rect(0, 0, width, height, BACKGROUND)

    def rect(self, x: float, y: float, width: float, height: float, colour: str, *, opacity: float = 1) -> None:
        self._shapes.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
            f' fill="{escape(colour)}"{_opacity(opacity)}/>'
        )

    def line(self, points: Sequence[Point], colour: str, *, width: float = 1.5, dashed: bool = False) -> None:
        dash = ' stroke-dasharray="6 5"' if dashed else ""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._shapes.append(
            f'<polyline points="{path}" fill="none" stroke="{escape(colour)}" stroke-width="{width:g}"{dash}/>'
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 11,
        colour: str = TEXT,
        anchor: str = "start",
        bold: bool = False,
        room: float = 0,
    ) -> None:
        """Write at the baseline *y*; with *room*, as many letters as fit into it."""
        weight = ' font-weight="600"' if bold else ""
        look = f'font-size="{size:g}" fill="{escape(colour)}" text-anchor="{anchor}"{weight}'
        shown = escape(fitting(words, size, room) if room else words)
        self._shapes.append(f'<text x="{x:.1f}" y="{y:.1f}" {look}>{shown}</text>')

    def render(self) -> str:
        width, height = self._size
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
            f' font-family="system-ui, sans-serif">'
        )
        return "\n".join([head, *self._shapes, "</svg>", ""])


def fitting(words: str, size: float, room: float) -> str:
    """*words*, cut where they would be wider than *room*."""
    letters = int(room / (size * _WIDTH_OF_A_LETTER))
    return words if len(words) <= letters else f"{words[: max(letters - 1, 0)]}…"


def width_of(words: str, size: float) -> float:
    return len(words) * size * _WIDTH_OF_A_LETTER


def _opacity(value: float) -> str:
    return "" if value == 1 else f' opacity="{value:g}"'
