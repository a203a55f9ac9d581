"""How Grafana would word and colour a value: units, value mappings, limits. Only what our dashboards use."""

from typing import Any

from tools.dashboards.svg import QUIET, TEXT

Json = dict[str, Any]

_SPANS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_GRAFANAS_OWN = {"text": TEXT, "transparent": ""}


def worded(value: float, config: Json, now: float) -> str:
    """The text of *value* under a field's configuration."""
    mapped = _mapped(value, config)
    if mapped:
        return str(mapped["text"])
    unit = config.get("unit", "none")
    if unit == "dateTimeFromNow":
        return _from_now(now - value / 1000)
    decimals = config.get("decimals")
    if unit == "s":
        return _seconds(value, decimals)
    if unit == "bytes":
        return f"{value / 2**20:.1f} MiB"
    if unit == "percentunit":
        return f"{100 * value:.{decimals or 0:g}f} %"
    number = f"{value:,.3g}" if decimals is None else f"{value:,.{decimals:g}f}"
    return f"{number} req/min" if unit == "reqpm" else number


def coloured(value: float, config: Json) -> str:
    """The colour of *value*: of its mapping, else by the limits; empty for none."""
    mapped = _mapped(value, config)
    if mapped:
        return str(mapped.get("color", TEXT))
    colour = TEXT
    for step in config.get("thresholds", {}).get("steps", []):
        if step["value"] is None or value >= step["value"]:
            colour = step["color"]
    return _GRAFANAS_OWN.get(colour, colour)


def replaced(word: str, config: Json) -> str:
    """What is shown in place of a label's value."""
    for mapping in config.get("mappings", []):
        if word in mapping["options"]:
            return str(mapping["options"][word]["text"])
    return word


def span(seconds: float) -> str:
    """A length of time in its two largest units."""
    rest, sign = round(abs(seconds)), "-" if round(seconds) < 0 else ""
    place = next((number for number, (_, size) in enumerate(_SPANS) if rest >= size), len(_SPANS) - 1)
    words: list[str] = []
    for name, size in _SPANS[place : place + 2]:
        count, rest = divmod(rest, size)
        if count or not words:
            words.append(f"{count} {name}")
    return sign + " ".join(words)


def effective(panel: Json, name: str, ref: str = "") -> Json:
    """A field's configuration, with what the overrides for its name or query change."""
    config = dict(panel["fieldConfig"]["defaults"])
    for override in panel["fieldConfig"]["overrides"]:
        matcher = override["matcher"]
        if matcher["options"] == (ref if matcher["id"] == "byFrameRefID" else name):
            config |= {changed["id"]: changed["value"] for changed in override["properties"]}
    return config


def series_colour(config: Json, number: int) -> str:
    """The colour of a line: its own, else one of a palette, by its place."""
    color = config.get("color", {})
    if color.get("mode") == "fixed":
        return str(color["fixedColor"])
    return _PALETTE[number % len(_PALETTE)]


def _mapped(value: float, config: Json) -> Json | None:
    for mapping in config.get("mappings", []):
        found: Json | None = mapping["options"].get(f"{value:g}")
        if found:
            return found
    return None


def _from_now(seconds: float) -> str:
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def _seconds(value: float, decimals: int | None) -> str:
    name, size = next(((name, size) for name, size in _SECONDS if abs(value) >= size), _SECONDS[-1])
    return f"{value / size:.3g} {name}" if decimals is None or size < 1 else f"{value / size:.{decimals:g}f} {name}"


_SECONDS = (("week", 604800.0), ("day", 86400.0), ("hour", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 0.001))
_PALETTE = ("#82b1ff", "#d9a13a", "#6fcf97", "#c792ea", "#f0675b", "#4dd0e1", "#ffab91", "#b0bec5", QUIET)
