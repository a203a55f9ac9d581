"""
Pseudonyms: text for people elsewhere, in which nobody's names, ids, keys and addresses stand any more.

The same text becomes the same word everywhere, so that a reader still sees what belongs together. What was announced
is replaced wherever it stands as a word; ids, addresses and hosts that nobody announced are found by their form. Takes
time by the length of the text, not by the number of names.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import Any

from exporter.domain.wording import clip

_FORMS = {
    "id": re.compile(r"(?i)\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24,})\b"),
    "mail": re.compile(r"[\w.+%-]{1,64}@[\w.-]{1,255}"),
    "host": re.compile(r"(?<=://)(?!127\.0\.0\.1|\[::1\]|localhost)[^\s/\"'<>]+"),
    "place": re.compile(r"(?<![\w./-])[a-z0-9][a-z0-9.-]{2,253}(?![\w/-])"),
}
"""What nobody has to announce."""
_BRAZE = (".braze.com", ".braze.eu")
"""A host of Braze tells the instance only."""
_NOT_OURS = "labels"
"""The field in which any name may stand, and is not that of a field of ours."""
_WORDS = re.compile(r"\w+|\W")
_WITHIN_A_WORD = re.compile(r"(?<=\w)(?=\w)")
_LABEL = re.compile(r'(?<!\w)(\w+)="((?:[^"\\\n]|\\.)*)"')
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{8,15}Z")
_ESCAPE = re.compile(r'\\([\\"n])')


class Pseudonyms:
    """Replaces texts by words such as `integration-3`."""

    def __init__(self, secrets: Iterable[str], names: Mapping[str, Iterable[str]]) -> None:
        """
        Announce what must not show.

        Args:
            secrets: Keys: replaced wherever they stand, within words as well.
            names: By the word that takes their place: `{"workspace": [...]}`. A text of two kinds is of the first.

        """
        self._secrets = sorted({text for text in secrets if text}, key=len, reverse=True)
        self._given: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        for kind, texts in names.items():
            for text in filter(None, texts):
                self._given[text] = self._word(kind, clip(text, len(text)) or text)  # pages and JSON show it clean
        self._by_first: dict[str, list[str]] = {}
        for text in sorted(self._given, reverse=True):  # of two that begin alike, the longer one first
            self._by_first.setdefault(_WORDS.findall(text)[0], []).append(text)

    def hide(self, text: str) -> str:
        """Return *text* without what was announced, and without what has the form of an id, an address or a host."""
        if text in self._given:
            return self._given[text]
        for secret in self._secrets:
            text = text.replace(secret, "hidden")
        text = "".join(self._known(text))
        for kind, form in _FORMS.items():
            text = form.sub(lambda found, kind=kind: self._formed(kind, found[0]), text)  # type: ignore[misc]  # a default
        return text

    def hide_json(self, value: Any, kept: Container[str] = ()) -> Any:
        """Return a JSON value with every text hidden, names of fields too; but for fields *kept*, except labels."""
        if isinstance(value, str):
            return value if _TIME.fullmatch(value) else self.hide(value)
        if isinstance(value, list):
            return [self.hide_json(each, kept) for each in value]
        if isinstance(value, dict):
            return dict(
                (key, each) if key in kept else (self.hide(key), self.hide_json(each, () if key == _NOT_OURS else kept))
                for key, each in value.items()
            )
        return value

    def hide_labels(self, page: str, kinds: Mapping[str, str], kept: Container[str]) -> str:
        """
        Return a metrics page with the values of its labels hidden, but for the labels *kept*.

        A value of a label in *kinds* is a name of that kind, whether it was announced or not. Where somebody has given
        a label the name of one that is *kept*, what was announced is hidden, and our own words stay.
        """

        def hidden(found: re.Match[str]) -> str:
            value = _ESCAPE.sub(lambda one: "\n" if one[1] == "n" else one[1], found[2])
            kind, shown = kinds.get(found[1]), clip(value, len(value))
            if found[1] in kept and (kind is None or shown not in self._given):
                return found[0]
            value = self._word(kind, shown) if kind is not None and shown else self.hide(value)
            return f'{found[1]}="' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

        return _LABEL.sub(hidden, page)

    def _known(self, text: str) -> Iterable[str]:
        """Yield *text* in pieces, a word for each announced text that begins and ends as a word; they may overlap."""
        shown = 0
        for token in _WORDS.finditer(text):
            start = token.start()
            for one in self._by_first.get(token[0], ()):
                end = start + len(one)
                if text.startswith(one, start) and not _WITHIN_A_WORD.match(text, end):
                    if end > shown:
                        yield self._given[one]
                        shown = end
                    break
            else:
                if start >= shown:
                    yield token[0]
                    shown = token.end()

    def _formed(self, kind: str, text: str) -> str:
        """Return the word for what has the form of a *kind*; a host without a scheme needs a dot and a top domain."""
        is_word = kind == "place" and not (text.rpartition(".")[2].isalpha() and "." in text)
        return text if is_word or text.endswith(_BRAZE) else self._word(kind, text)

    def _word(self, kind: str, text: str) -> str:
        if text not in self._given:
            self._counts[kind] += 1
            self._given[text] = f"{kind}-{self._counts[kind]}"
        return self._given[text]
