"""
The story of tests/stack on other roads than the distribution's Prometheus: the same faults make the same alerts arrive
and end, and no others. `make test-roads` builds the programs first.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.stack.roads import Opening, by_collector, by_victoria_metrics, by_vmagent
from tests.stack.stage import stage
from tests.stack.story import Story
from tests.stack.test_alerts_arrive import (  # noqa: F401 - pytest finds them here
    test_a_fault_makes_its_alerts_arrive,
    test_alerts_end_after_the_fault_and_not_before,
    test_an_exporter_of_the_same_name_in_another_cluster_is_another_one,
    test_each_alert_goes_to_its_receiver,
    test_every_metric_that_a_rule_asks_for_has_data,
    test_messages_tell_figures_and_leave_nothing_out,
    test_no_false_alert_arrives,
    test_nothing_else_arrives_while_all_exporters_are_down,
)

ROADS = {"victoria-metrics": by_victoria_metrics, "vmagent": by_vmagent, "opentelemetry": by_collector}


@pytest.fixture(scope="module", params=list(ROADS.values()), ids=list(ROADS))
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Everything has happened on this road."""
    opening: Opening = request.param
    with stage(tmp_path_factory.mktemp("road"), opening) as built, ExitStack() as stack:
        played = Story(built)
        played.play(stack)
        yield played
