"""
Pseudonyms: text for people elsewhere, in which nobody's names, ids, keys and addresses stand any more.

The same text becomes the same word everywhere, so that a reader still sees what belongs together. What was announced
is replaced wherever it stands as a word; ids, addresses and hosts that nobody announced are found by their form. Takes
time by the length of the text, not by the number of names.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

_FORMS = {
    "id": re.compile(r"(?i)\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24,})\b"),
    "mail": re.compile(r"[\w.+%-]{1,64}@[\w.-]{1,255}"),
    "host": re.compile(r"(?<=://)(?!rest\.|dashboard|127\.0\.0\.1|\[::1\]|localhost)[^\s/\"'<>]+"),
}
"""What nobody has to announce. A host of Braze tells the instance only, and a loopback nothing."""
_WORDS = re.compile(r"\w+|\W")
_LABEL = re.compile(r'="((?:[^"\\\n]|\\.)*)"')
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
                self._word(kind, text)
        self._by_first: dict[str, list[str]] = {}
        for text in sorted(self._given, key=len, reverse=True):
            self._by_first.setdefault(_WORDS.findall(text)[0], []).append(text)

    def hide(self, text: str) -> str:
        """Return *text* without what was announced, and without what has the form of an id, an address or a host."""
        if text in self._given:
            return self._given[text]
        for secret in self._secrets:
            text = text.replace(secret, "hidden")
        text = "".join(self._known(text))
        for kind, form in _FORMS.items():
            text = form.sub(lambda found, kind=kind: self._word(kind, found[0]), text)  # type: ignore[misc]  # a default
        return text

    def hide_json(self, value: Any) -> Any:
        """Return a JSON value with every text in it hidden, names of fields too."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, list):
            return [self.hide_json(each) for each in value]
        if isinstance(value, dict):
            return {self.hide(key): self.hide_json(each) for key, each in value.items()}
        return value

    def hide_labels(self, page: str) -> str:
        """Return a metrics page with the values of its labels hidden."""

        def hidden(found: re.Match[str]) -> str:
            value = self.hide(_ESCAPE.sub(lambda one: "\n" if one[1] == "n" else one[1], found[1]))
            return '="' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

        return _LABEL.sub(hidden, page)

    def _known(self, text: str) -> Iterable[str]:
        """Yield *text* in pieces, a word for each announced text that begins and ends as a word; they may overlap."""
        shown = 0
        for token in _WORDS.finditer(text):
            start = token.start()
            for one in self._by_first.get(token[0], ()):
                end = start + len(one)
                if text.startswith(one, start) and not (_is_wordy(one[-1:]) and _is_wordy(text[end : end + 1])):
                    if end > shown:
                        yield self._given[one]
                        shown = end
                    break
            else:
                if start >= shown:
                    yield token[0]
                    shown = token.end()

    def _word(self, kind: str, text: str) -> str:
        if text not in self._given:
            self._counts[kind] += 1
            self._given[text] = f"{kind}-{self._counts[kind]}"
        return self._given[text]


def _is_wordy(character: str) -> bool:
    return character.isalnum() or character == "_"
