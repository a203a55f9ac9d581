"""
Gauges, counters and histograms for what the exporter reports about itself.

prometheus-client has them too, but writes 4,400 series (100 workspaces) in 35 to 60 ms at every scrape, about as long
as everything else on a page of 10,000 integrations takes; these keep the part of each line before the value ready and
need 3 ms. The tests hold them to what prometheus-client makes of the same calls.

A series exists from the first call that names it. Values that are no finite number are not shown. Everything happens on
the event loop's thread: no locks.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from exporter.metrics.text import Kind, clean, render_header, render_labels, render_number

Labels = tuple[str, ...]
"""Label values in the order of the instrument's label names, cleaned."""


class Instrument(ABC):
    """A family of series that differ in the values of *labels*."""

    def __init__(self, name: str, kind: Kind, help_text: str, labels: Sequence[str] = ()) -> None:
        self.name = name
        self.kind = kind
        self.help = help_text
        self.labels = tuple(labels)
        self._prefixes: dict[Labels, tuple[str, ...]] = {}
        """For each series what its lines have before the value."""

    def forget(self, label: str, value: str) -> None:
        """Drop all series in which *label* has *value*."""
        place, cleaned = self.labels.index(label), clean(value)
        for key in [key for key in self._prefixes if key[place] == cleaned]:
            del self._prefixes[key]
            self._drop(key)

    def render(self, *, openmetrics: bool) -> bytes:
        """Header and samples; nothing at all when there is no sample."""
        lines = [
            f"{prefix}{text}\n"
            for key, prefixes in self._prefixes.items()
            for prefix, value in zip(prefixes, self._values(key), strict=True)
            if (text := render_number(value)) is not None
        ]
        if not lines:
            return b""
        return render_header(self.name, self.kind, self.help, openmetrics=openmetrics) + "".join(lines).encode()

    def _key(self, labels: Sequence[str]) -> Labels:
        key = tuple(clean(value) for value in labels)
        if key not in self._prefixes:
            pairs = list(zip(self.labels, key, strict=True))
            self._prefixes[key] = tuple(
                f"{self.name}{suffix}{{{render_labels([*pairs, *more])}}} "
                if pairs or more
                else f"{self.name}{suffix} "
                for suffix, more in self._lines()
            )
        return key

    def _lines(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Suffix of the name and labels beyond the instrument's, for each line of a series."""
        yield "", []

    @abstractmethod
    def _values(self, key: Labels) -> Sequence[float]:
        """The values of those lines."""

    @abstractmethod
    def _drop(self, key: Labels) -> None:
        """Forget a series."""


class Value(Instrument):
    """A gauge or a counter: one number a series."""

    def __init__(self, name: str, kind: Kind, help_text: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, kind, help_text, labels)
        self._numbers: dict[Labels, float] = {}

    def set(self, value: float, *labels: str) -> None:
        """Let the series be *value*."""
        self._numbers[self._key(labels)] = value

    def add(self, amount: float, *labels: str) -> None:
        """Let the series grow by *amount*, from 0 when it is new."""
        key = self._key(labels)
        self._numbers[key] = self._numbers.get(key, 0) + amount

    def _values(self, key: Labels) -> Sequence[float]:
        return (self._numbers[key],)

    def _drop(self, key: Labels) -> None:
        del self._numbers[key]


class Histogram(Instrument):
    """How often observations were at most each of *buckets*, ascending."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str], *, buckets: Sequence[float]) -> None:
        super().__init__(name, Kind.HISTOGRAM, help_text, labels)
        self._buckets = tuple(map(float, buckets))
        self._counts: dict[Labels, list[int]] = {}
        """At most each bucket, and all."""
        self._sums: dict[Labels, float] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count one observation."""
        key = self._key(labels)
        counts = self._counts.setdefault(key, [0] * (len(self._buckets) + 1))
        for index in range(bisect_left(self._buckets, value), len(counts)):
            counts[index] += 1
        self._sums[key] = self._sums.get(key, 0.0) + value

    def _lines(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        for bound in self._buckets:
            yield "_bucket", [("le", repr(bound))]
        yield "_bucket", [("le", "+Inf")]
        yield "_count", []
        yield "_sum", []

    def _values(self, key: Labels) -> Sequence[float]:
        counts = self._counts[key]
        return (*counts, counts[-1], self._sums[key])

    def _drop(self, key: Labels) -> None:
        del self._counts[key], self._sums[key]
