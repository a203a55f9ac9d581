"""
Holds every text of the project to its glossary: `python -m tools.glossary`, part of `make lint`.

Reads documents, configuration and templates as they are, and of Python only comments and texts: a name may be what it
is. Prints file, line and the word to use, and exits with 1 if there is anything to print.
"""

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTEAD = {
    r"mistak(?:es?|en)": "error",
    r"mend(?:s|ed|ing)?": "fix",
    r"newest": "latest",
    r"troubles?": "problem",
    r"by itself": "automatically",
    r"to be had": "available",
    r"tempers?": "behaviour",
    r"chores?": "background task",
    r"completed": "finished",
    r"brought": "synced, or another verb",
    r"anew": "again",
    r"who(?:m|so)?ever": "anyone who",
    r"told(?! apart)": "reported, logged or shown",
    r"heard": "received or seen",
    r"tells? of": "reports or shows",
    r"so (?:many|long)": "this many, this long",
    r"stands? (?:in(?! for| the way| between)|beside)": "is in",
    r"in vain": "without success",
    r"with success": "successfully",
    r"accounting state": "state",
    r"do(?:es)? not suffice": "is too small",
    r"sees? to": "ensures",
    r"at the warehouse": "in the warehouse",
    r"than is usual": "than usual",
}
FILES = (
    *("*.md", "config.example.yaml", "Makefile", "Dockerfile", "pyproject.toml", ".github/**/*.y*ml"),
    *(
        f"{folder}/**/*.{suffix}"
        for folder in ("docs", "deploy", "benchmarks")
        for suffix in ("md", "y*ml", "tpl", "txt")
    ),
    *(f"{folder}/**/*.py" for folder in ("exporter", "benchmarks", "deploy", "tools")),
    *("exporter/web/templates/*", "deploy/**/*.service", "deploy/**/*.socket", "deploy/grafana/dashboards/*.json"),
)
EXEMPT = {"CHANGELOG.md", "CODE_OF_CONDUCT.md", "tools/glossary.py"}
"""The past, a text of others, and this list."""
_BETWEEN = r"(?:\s|#)+"
"""A phrase may be wrapped, in a comment too."""
_WORD = re.compile(
    "|".join(rf"\b(?P<w{number}>{word.replace(' ', _BETWEEN)})\b" for number, word in enumerate(INSTEAD)), re.IGNORECASE
)
_TEXTS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts of a file that people read, each with the line in which it begins."""
    content = path.read_text("utf-8")
    if path.suffix != ".py":
        yield 1, content
        return
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type in _TEXTS:
            # An expression in braces is code, which Python 3.11 gives as part of the text.
            yield token.start[0], re.sub(r"\{[^{}\n]*\}", "", token.string)


def findings(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield line, word and what to write instead, for each word of *path* that is not of the glossary."""
    advice = list(INSTEAD.values())
    for start, text in texts(path):
        for found in _WORD.finditer(text):
            line = start + text.count("\n", 0, found.start())
            yield line, " ".join(found[0].split()), advice[int((found.lastgroup or "")[1:])]


def main() -> int:
    """Print what is not of the glossary."""
    paths = {path for pattern in FILES for path in ROOT.glob(pattern) if path.is_file()}
    wrong = [
        f"{name}:{line}: write {advice!r} for {word!r}"
        for path in sorted(paths)
        if (name := path.relative_to(ROOT).as_posix()) not in EXEMPT
        for line, word, advice in findings(path)
    ]
    print("\n".join(wrong) if wrong else f"{len(paths)} files are in the words of the glossary.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
