"""
When a fault strikes: which workspace, endpoint, integration and page, and how many times.

A test switches faults on by name; their effect on the response is in `mutations.py`. A fault sits in front of
Braze, like a bad proxy: the request behind it is counted against the rate limit all the same.
"""

from dataclasses import dataclass

from exporter.braze.endpoints import Endpoint
from tests.mutations import Answer, Mutation, find_mutation


@dataclass(slots=True, eq=False)
class Fault:
    """A fault that is switched on. None as a condition means any."""

    name: str
    mutate: Mutation
    workspace: str | None
    endpoint: Endpoint | None
    integration_id: str | None
    page: int | None
    record: int | None
    times: int | None
    """How often it still strikes; None is forever."""

    def concerns(self, workspace: str, endpoint: str, integration_id: str, page: int) -> bool:
        """Whether the request is one that this fault strikes."""
        return (
            self.times != 0
            and self.workspace in (None, workspace)
            and self.endpoint in (None, endpoint)
            and self.integration_id in (None, integration_id)
            and self.page in (None, page)
        )


class FaultBook:
    """The faults of a world. Empty is the usual state, and costs nothing."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._faults)

    def add(
        self,
        name: str,
        *,
        workspace: str | None = None,
        endpoint: Endpoint | None = None,
        integration_id: str | None = None,
        page: int | None = None,
        record: int | None = 0,
        times: int | None = None,
    ) -> Fault:
        """
        Switch a fault on.

        Args:
            name: `http_NNN`, `html_NNN`, or a name of MUTATIONS or ODD_RECORDS.
            workspace: Only requests with a key of this workspace.
            endpoint: Only this endpoint.
            integration_id: Only this integration's own endpoint.
            page: Only this page, counted from 0.
            record: Which record of the page is odd, from 0 or from -1 backwards; None is all of them.
            times: How often it strikes before it goes away; None is forever.

        Raises:
            KeyError: No fault has that name.

        """
        fault = Fault(name, find_mutation(name), workspace, endpoint, integration_id, page, record, times)
        self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Switch one fault off. It may already have gone."""
        if fault in self._faults:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Switch all faults off."""
        self._faults.clear()

    def strike(self, answer: Answer, *, workspace: str, endpoint: str, integration_id: str, page: int) -> Answer:
        """Return the response that arrives instead of the good one, after all matching faults in order."""
        for fault in [each for each in self._faults if each.concerns(workspace, endpoint, integration_id, page)]:
            answer = fault.mutate(answer, fault.record)
            if fault.times is not None:
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
        return answer
