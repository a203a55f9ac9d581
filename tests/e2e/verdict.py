"""Compares the page of a running exporter with the truth of the world that it watches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.e2e.command import wait_for
from tests.e2e.scraping import Samples, scrape
from tests.e2e.truth import FirstSight, Watching, differences, expected_samples, first_sight
from tests.simulated import SimulatedBraze


@dataclass
class Verdict:
    """What must be on the page, from the moment on when the exporter has seen everything once."""

    braze: SimulatedBraze
    watched: Sequence[Watching]
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    """Before the exporter's first poll."""
    first: dict[str, FirstSight] = field(default_factory=dict)
    learns: bool = False
    """Whether the exporter learns its limits from a history."""

    def note_first_sight(self) -> None:
        """Take what is there now for what the exporter saw first; the world must stand still until it has."""
        self.first = self.braze.call(lambda world: first_sight(world, self.watched))

    def look(self, port: int, *, openmetrics: bool = False, compressed: bool = False) -> tuple[Samples, list[str]]:
        """Scrape, and return all samples, and what is wrong with those about integrations."""
        before = datetime.now(UTC)
        samples = scrape(port, openmetrics=openmetrics, compressed=compressed)
        scraped = before, datetime.now(UTC)
        expected = self.braze.call(
            lambda world: expected_samples(world, self.watched, self.first, started=self.started, scraped=scraped)
        )
        return samples, differences(samples, expected, learns=self.learns)

    def settle(self, port: int) -> Samples:
        """Wait until the page of a world that stands still is the truth, and see it in every form that can be had."""
        wrong = [""]

        def right() -> bool:
            wrong[:] = self.look(port)[1]
            return not wrong

        wait_for("the page is the truth", right, hint=lambda: "\n".join(wrong))
        for openmetrics, compressed in ((True, False), (False, True), (True, True)):
            wrong = self.look(port, openmetrics=openmetrics, compressed=compressed)[1]
            assert wrong == [], "\n".join(wrong)
        return self.look(port)[0]
