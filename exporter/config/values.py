"""
The types of single values in the configuration: names, ids, label names, durations, expressions.

Decides about one value at a time, and words its errors without quoting it. Knows neither its place in the file nor its
neighbours: those rules are in `rules.py`.
"""

import re
import unicodedata
import warnings
from collections.abc import Callable
from datetime import tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, PlainValidator, SecretStr, WithJsonSchema

from exporter.config.durations import GRAMMAR, parse_duration
from exporter.config.endpoint import find_instance, parse_dashboard, parse_endpoint, parse_grafana
from exporter.config.errors import WrongValueError
from exporter.config.network import OFF, check_exemption, check_proxy
from exporter.domain.decode import is_path_segment
from exporter.domain.expression import Expression, UnsupportedError
from exporter.domain.limits import Alerts, Keyword, Sensitivity, Setting

MAX_TEXT = 500
RESERVED_LABELS = frozenset(
    {
        *("workspace", "integration_id", "integration_name"),  # on every metric of an integration
        *("integration_type", "warehouse_type", "app_group_id"),  # Braze's own on the info metric
        *("instance", "job", "le"),  # Prometheus'
    }
)
REPLACED_LABELS = {
    "max_failures": "limits: {failed_syncs: ...}",
    "max_failed_rows": "limits: {failed_rows: ...}",
    "max_delay": "limits: {start_delay: ...}",
    "max_run": "limits: {sync_duration: ...}",
    "max_lag": "limits: {lag: ...}",
    "max_success_age": "limits: {success_age: ...}",
    "alerts": "alerts: ...",
}
"""Labels that once tuned the alert rules, each with the key that does so now."""
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_MAX_LABEL_NAME = 100
MAX_COUNT = 10**12
_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%")
_PATTERN_REMEDY = "correct it as docs.python.org/3/library/re.html shows, or put `\\` before a literal character"
_SUBSET_REMEDY = "leave it out: names are matched in linear time; docs/configuration.md says what can be used"
# Control characters, halves of surrogate pairs, line and paragraph separators: none survives in a log line or a header.
_UNFIT = frozenset({"Cc", "Cs", "Zl", "Zp"})


def _check_text(text: str) -> str:
    if not text.strip():
        raise WrongValueError("is empty", "write a value")
    if text != text.strip():
        raise WrongValueError("begins or ends with white space", "remove it")
    if len(text) > MAX_TEXT:
        raise WrongValueError(f"is longer than {MAX_TEXT} characters", "shorten it")
    if any(unicodedata.category(character) in _UNFIT for character in text):
        raise WrongValueError("contains a line break or another control character", "keep it on one line")
    return text


def _off(value: Any) -> Any:
    """YAML reads `off` as false."""
    return OFF if value is False else value


def _check_proxy(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    return secret if text == OFF else SecretStr(check_proxy(text))


def _check_timezone(value: Any) -> ZoneInfo:
    remedy = "write a name of the time zone database, for example `Europe/Berlin` or `UTC`"
    if not isinstance(value, str):
        raise WrongValueError("is not text", remedy)
    try:
        return ZoneInfo(value)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        missing = "is not a known time zone"
        raise WrongValueError(missing, f"{remedy}; where none is known, install the system's tzdata") from None


def is_text(text: str) -> bool:
    """Whether *text* can be a value at all, so that a rule may inspect it."""
    try:
        return _check_text(text) == text
    except WrongValueError:
        return False


def _check_id(text: str) -> str:
    if not is_path_segment(text):
        raise WrongValueError(
            "cannot be an integration id: at most 128 letters, digits, `-`, `_`, `.` and `~`",
            "copy the id from the integration's page in the Braze dashboard",
        )
    return text


def _check_key_pattern(text: str) -> str:
    if "{name}" not in text:
        remedy = "write for example `/run/secrets/braze/{name}`"
        raise WrongValueError("lacks `{name}`, so that all workspaces would share one key", remedy)
    return text


def _check_label_name(name: str) -> str:
    if name in REPLACED_LABELS:
        raise WrongValueError("does not set a limit as a label", f"write `{REPLACED_LABELS[name]}` next to `labels`")
    if name in RESERVED_LABELS:
        raise WrongValueError("is a label that the exporter or Prometheus sets", "choose another name")
    if name.startswith("__"):
        raise WrongValueError("begins with `__`, which Prometheus keeps for itself", "choose another name")
    if not _LABEL_NAME.fullmatch(name) or len(name) > _MAX_LABEL_NAME:
        raise WrongValueError(
            "is not a label name: letters, digits and `_`, not beginning with a digit", "choose another name"
        )
    return name


def _check_pattern(text: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # `[[:alpha:]]` is only warned of, and never means what its author meant
            re.compile(text)
        Expression(text)
    except re.error as error:
        # Python's own words may quote the expression.
        place = f" from its character {error.pos + 1} on" if error.pos is not None else ""
        raise WrongValueError(f"is not a regular expression{place}", _PATTERN_REMEDY) from None
    except UnsupportedError as error:
        raise WrongValueError(str(error), _SUBSET_REMEDY) from None
    except (Warning, OverflowError, RecursionError):
        raise WrongValueError("is not a regular expression that can be used", _PATTERN_REMEDY) from None
    return text


def _check_duration(value: Any) -> float:
    if type(value) in (int, float):
        example = f"`{value}s`" if type(value) is int and 0 < value < 10**6 else "for example `90s`"
        if value != 0:
            raise WrongValueError("is a number without a unit", f"write {example}")
        value = "0"
    if not isinstance(value, str):
        raise WrongValueError("is not a duration", "write for example `90s`, `1m30s` or `1h`")
    try:
        return parse_duration(value)
    except ValueError as error:
        raise WrongValueError(str(error), "write for example `90s`, `1m30s` or `1h`") from None


def _check_positive(seconds: float) -> float:
    if seconds <= 0:
        raise WrongValueError("must be longer than 0", "write for example `1m`")
    return seconds


def _limit(parse: Callable[[Any], float]) -> PlainValidator:
    """What a limit can be: `off`, `auto` or a value that *parse* takes. YAML takes the word off for false."""

    def check(value: Any) -> Setting:
        if value is False or value == Keyword.OFF:
            return Keyword.OFF
        return Keyword.AUTO if value == Keyword.AUTO else parse(value)

    return PlainValidator(check)


def _parse_count(value: Any) -> float:
    if type(value) is int and 0 <= value <= MAX_COUNT:
        return float(value)
    raise WrongValueError("is not a limit: a whole number from 0, `auto` or `off`", "write for example `2`")


def _parse_share(value: Any) -> float:
    match = _PERCENTAGE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        if type(value) in (int, float):
            raise WrongValueError("is a number without a percent sign", "write for example `0.5%`")
        raise WrongValueError("is not a limit: a percentage, `auto` or `off`", "write for example `0.5%`")
    if (percent := float(match[1])) > 100:  # noqa: PLR2004 - percent
        raise WrongValueError("is more than 100%", "write for example `0.5%`")
    return percent / 100


def _parse_duration(value: Any) -> float:
    if value is True or not isinstance(value, str | int | float):
        raise WrongValueError("is not a limit: a duration, `auto` or `off`", "write for example `75m`")
    return _check_duration(value)


def _check_alerts(value: Any) -> Alerts:
    if value is False:
        return Alerts.OFF
    try:
        return Alerts(value)
    except ValueError:
        raise WrongValueError("is not one of `all`, `no-page` and `off`", "write for example `no-page`") from None


def _check_sensitivity(value: Any) -> Sensitivity:
    try:
        return Sensitivity(value)
    except ValueError:
        raise WrongValueError("is not one of `low`, `medium` and `high`", "write for example `low`") from None


def _json(**schema: Any) -> WithJsonSchema:
    """What `check --schema` says of a type: never more than the checks above. Patterns are such that Go takes them."""
    return WithJsonSchema(schema)


def _words(*words: str) -> WithJsonSchema:
    return _json(enum=[*words, *([False] if OFF in words else [])])


def _limit_or(value: dict[str, Any]) -> WithJsonSchema:
    return _json(anyOf=[{"enum": [Keyword.AUTO, Keyword.OFF, False]}, value])


_DURATION = {"anyOf": [{"type": "string", "minLength": 1, "pattern": f"^(?:0|{GRAMMAR})$"}, {"const": 0}]}

Text = Annotated[str, AfterValidator(_check_text), _json(type="string", minLength=1, maxLength=MAX_TEXT)]
IntegrationId = Annotated[str, AfterValidator(_check_id), _json(type="string", pattern="^[A-Za-z0-9_.~-]{1,128}$")]
LabelName = Annotated[str, AfterValidator(_check_label_name), _json(type="string", pattern="^_?[a-zA-Z][a-zA-Z0-9_]*$")]
RestEndpoint = Annotated[Text, AfterValidator(parse_endpoint)]
Instance = Annotated[Text, AfterValidator(find_instance)]
"""The REST endpoint; in the file the instance's name."""
DashboardUrl = Annotated[Text, AfterValidator(parse_dashboard)]
GrafanaUrl = Annotated[Text, AfterValidator(parse_grafana)]
KeyPattern = Annotated[Text, AfterValidator(_check_key_pattern), _json(type="string", pattern=r"\{name\}")]
"""The path of a key file, with `{name}` for the workspace's name."""
ProxyUrl = Annotated[
    SecretStr, BeforeValidator(_off), AfterValidator(_check_proxy), _json(anyOf=[{"type": "string"}, {"const": False}])
]
"""May hold a password."""
Exemption = Annotated[Text, AfterValidator(check_exemption)]
NamePattern = Annotated[Text, AfterValidator(_check_pattern)]
"""The text of a regular expression that `domain/expression.py` takes."""
Duration = Annotated[float, PlainValidator(_check_duration), _json(**_DURATION)]
"""Seconds; 0 is allowed."""
PositiveDuration = Annotated[Duration, AfterValidator(_check_positive)]
"""Seconds; in the file a Prometheus duration."""
TimeZone = Annotated[tzinfo, PlainValidator(_check_timezone), _json(type="string")]
"""In the file a name of the time zone database."""
CountLimit = Annotated[
    Setting, _limit(_parse_count), _limit_or({"type": "integer", "minimum": 0, "maximum": MAX_COUNT})
]
ShareLimit = Annotated[
    Setting, _limit(_parse_share), _limit_or({"type": "string", "pattern": f"^{_PERCENTAGE.pattern}$"})
]
"""0 to 1; in the file a percentage."""
DurationLimit = Annotated[Setting, _limit(_parse_duration), _limit_or(_DURATION)]
"""Seconds; in the file a Prometheus duration."""
AlertsKey = Annotated[Alerts, PlainValidator(_check_alerts), _words(*Alerts)]
SensitivityKey = Annotated[Sensitivity, PlainValidator(_check_sensitivity), _words(*Sensitivity)]
