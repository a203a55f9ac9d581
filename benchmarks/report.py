"""Putting a benchmark's table into a document, between the two marks that name the benchmark."""

from pathlib import Path


def replace_section(document: Path, benchmark: str, text: str) -> None:
    """Replace what *document* has between the marks of *benchmark*, such as `benchmarks/page.py`."""
    begin, end = f"<!-- begin: {benchmark} -->", f"<!-- end: {benchmark} -->"
    before, rest = document.read_text().split(begin)
    _, after = rest.split(end)
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}")
