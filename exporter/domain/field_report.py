"""
The field report: for each assumption about Braze whether it holds, in masked form, and a style for the simulator.

Says nothing of whom it was read from: counts, types, masks and ages only. It ends with `---` and a YAML document that
`simulator/style_file.py` loads. It is searched for every text that was read before anyone sees it.
"""

import json
from collections.abc import Callable, Iterable

from exporter.domain import answer_forms, assumptions
from exporter.domain.field_evidence import Evidence, FieldAnswer
from exporter.domain.finding import DOCUMENTED_WORDS, Finding
from exporter.domain.masks import leaks, render_count, telling_texts

ASSUMPTIONS: tuple[tuple[str, Callable[[Evidence], Finding]], ...] = (
    ("syncs come latest first, page after page", assumptions.order),
    ("the list's latest start equals that of job_sync_status", assumptions.list_start),
    ("a finished record never changes", assumptions.finished_stays),
    ("a running record has no finish", assumptions.running_fields),
    ("after an error no rows are synced and the finish is given", assumptions.failed_fields),
    ("a start becomes visible within a minute", assumptions.start_visible),
    ("next_scheduled_run is null where nothing runs", assumptions.next_run_null),
    ("next_scheduled_run is rolled forward when a run is missed", assumptions.next_run_rolls),
    ("statuses and types are known words", answer_forms.words),
    ("records have the documented fields and no others", answer_forms.keys),
    ("ten records a page, and Link as documented", answer_forms.paging),
    ("times are ISO 8601 with an offset, all of one form", answer_forms.times),
    ("syncs of files in S3 have no watermark", answer_forms.files_watermark),
    ("each answer has rate-limit headers with the documented limit", answer_forms.rate_limits),
    ("integration ids are UUIDs", answer_forms.ids),
    ("last_updated_at equals the watermark", assumptions.list_watermark),
    ("no cache stands in between", answer_forms.caching),
    ("drafts are in the list", answer_forms.drafts),
)
"""What the exporter believes of Braze, and how it is checked. Source: where Braze's pages are silent."""

SEPARATOR = "---"
"""The line before the style."""
_HEAD = "Field report of braze-cdi-exporter: what Braze really answers. Masks: 9 is a digit, a is a letter."
_STYLE = "# how the simulated Braze words its answers, as far as it was seen"
_EXEMPT = "confirmed refuted not seen true false latest first oldest jumbled documented clean absolute requests: base64"
_EXEMPT += " none more than"


class ReportLeaksError(Exception):
    """A report shows text that was read from Braze or from the configuration; it must not be shown."""


def render_report(answers: Iterable[FieldAnswer], private: Iterable[str]) -> str:
    """
    Return the report of all answers, in the order of asking.

    Args:
        answers: Of all workspaces.
        private: What must not show and is in no answer: API keys, names of workspaces, configured ids and names.

    Raises:
        ReportLeaksError: The report holds a text that was read. The message does not say which.

    """
    evidence = Evidence(tuple(answers))
    findings = [(name, check(evidence)) for name, check in ASSUMPTIONS]
    lines = [_HEAD, f"requests: {render_count(len(evidence.answers))}", ""]
    for name, finding in findings:
        lines.append(f"{name}: {finding.verdict}")
        lines += [f"  {line}" for line in finding.lines]
    lines += [SEPARATOR, _STYLE]
    style = {name: value for _, finding in findings for name, value in finding.style.items()}
    lines += [f"{name}: {json.dumps(value)}" for name, value in style.items()] or ["{}"]
    text = "\n".join(lines) + "\n"
    words = [line.words for _, finding in findings for line in finding.lines]
    names = [f"{name}:" for name in (*style, *(name for name, _ in ASSUMPTIONS))]
    fixed = [_HEAD, _STYLE, _EXEMPT, DOCUMENTED_WORDS, *words, *names]
    if found := leaks(text, _read(evidence) | telling_texts(list(private)), fixed):
        raise ReportLeaksError(
            f"the report would show {found} of the texts that were read, so it is not printed; this is a defect of "
            "the exporter, or a name that looks like a mask: report that it happened, without the texts"
        )
    return text


def _read(evidence: Evidence) -> frozenset[str]:
    """Return every text that Braze sent, headers too, and the ids that were asked for."""
    bodies = telling_texts(one.body for one in evidence.answers)
    headers = telling_texts(list(one.headers.values()) for one in evidence.answers)
    headers -= {text for text in headers if set(text) == {"9"}}  # such as an age or a rate limit's remainder
    return bodies | headers | telling_texts(list(one.integration) for one in evidence.answers)
