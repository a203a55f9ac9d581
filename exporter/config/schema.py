"""
The configuration file's keys: their types, defaults and limits, as pydantic models.

Decides what is known, one key at a time; rules between keys are in `rules.py`, words for errors in `explain.py`.
A new key is a field here and a row in docs/configuration.md. A field's example is what a remedy shows. An empty text or
a positive duration of 0 as default stands for a key that is not given: the file itself cannot hold one.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from exporter.config.values import (
    AlertsKey,
    CountLimit,
    DashboardUrl,
    Duration,
    DurationLimit,
    Exemption,
    GrafanaUrl,
    Instance,
    IntegrationId,
    KeyPattern,
    LabelName,
    NamePattern,
    PositiveDuration,
    ProxyUrl,
    RestEndpoint,
    SensitivityKey,
    ShareLimit,
    Text,
    TimeZone,
)
from exporter.domain.limits import LIMITS, Alerts, Sensitivity
from exporter.domain.past import HISTORY
from exporter.domain.settings import PollSettings, RateLimits

EXTENSION = "x-"
_POLL = PollSettings()
_RATE = RateLimits()
_SETTINGS = {key.name: key.setting for key in LIMITS}


class Section(BaseModel):
    """A mapping in the file. Strict: `"1"` is no number, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    shown_in: ClassVar[str] = "config.example.yaml"
    """Of a whole file: where an operator finds an example."""
    unsupported: ClassVar[Mapping[str, str]] = {}
    """Keys that belong here elsewhere, each with the remedy: to call them unknown would not be the truth."""


class Block(Section):
    """A section in which keys that begin with `x-` are ignored: a place for anchors."""

    @model_validator(mode="before")
    @classmethod
    def _without_extensions(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {key: value for key, value in given.items() if not key.startswith(EXTENSION)}


class Poll(Block):
    interval: PositiveDuration = Field(default=_POLL.interval_seconds, examples=["1m"])
    timeout: PositiveDuration = Field(default=_POLL.timeout_seconds, examples=["20s"])
    stale_after: PositiveDuration = Field(default=_POLL.stale_after_seconds, examples=["10m"])
    max_pages: int = Field(default=_POLL.max_pages, ge=1, le=100_000, examples=["20"])
    verify_after: PositiveDuration = Field(default=_POLL.verify_after_seconds, examples=["1h"])


class RateLimit(Block):
    job_sync_status: int = Field(default=_RATE.job_sync_status, ge=1, le=1_000_000, examples=["100"])
    integrations: int = Field(default=_RATE.integrations, ge=1, le=1_000_000, examples=["50"])
    share: float = Field(default=_RATE.share, gt=0, le=1, allow_inf_nan=False, examples=["0.8"])


class Limits(Block):
    """What is still fine; a key that is not given is taken from the block above it, at last from `LIMITS`."""

    failed_syncs: CountLimit = Field(default=_SETTINGS["failed_syncs"], examples=["2"])
    failed_rows: ShareLimit = Field(default=_SETTINGS["failed_rows"], examples=["0.5%"])
    start_delay: DurationLimit = Field(default=_SETTINGS["start_delay"], examples=["30m"])
    sync_duration: DurationLimit = Field(default=_SETTINGS["sync_duration"], examples=["75m"])
    lag: DurationLimit = Field(default=_SETTINGS["lag"], examples=["2h"])
    success_age: DurationLimit = Field(default=_SETTINGS["success_age"], examples=["1d"])
    rows_synced: CountLimit = Field(default=_SETTINGS["rows_synced"], examples=["1000"])
    sensitivity: SensitivityKey = Field(default=Sensitivity.MEDIUM, examples=["low"])


class Network(Block):
    """The way to Braze; a key that is not given is taken from the block above it, at last from a variable."""

    proxy: ProxyUrl | None = Field(default=None, examples=["http://proxy.example.org:3128"])
    no_proxy: list[Exemption] | None = Field(default=None, examples=["[.example.org, 10.0.0.0/8]"])
    ca_file: Text = Field(default="", examples=["corporate-ca.pem"])


class Integration(Block):
    id: IntegrationId = Field(examples=["00000000-0000-0000-0000-000000000000"])
    name: Text = Field(default="", examples=["users"])
    expected_interval: PositiveDuration = Field(default=0.0, examples=["1h"])
    timezone: TimeZone | None = Field(default=None, examples=["Europe/Berlin"])
    limits: Limits = Limits()
    alerts: AlertsKey = Field(default=Alerts.ALL, examples=["no-page"])
    labels: dict[LabelName, Text] = Field(default={}, examples=["{team: crm}"])


class Discovery(Block):
    enabled: bool = Field(default=False, examples=["true"])  # true where `integrations` is left out
    include: list[NamePattern] = Field(default=[], examples=["['^prod']"])
    exclude: list[NamePattern] = Field(default=[], examples=["['test$']"])


class Workspace(Block):
    name: Text = Field(examples=["production"])
    rest_endpoint: RestEndpoint = Field(default="", examples=["https://rest.iad-03.braze.com"])
    instance: Instance = Field(default="", examples=["US-03"])
    dashboard_url: DashboardUrl = Field(default="", examples=["https://dashboard-03.braze.com"])
    api_key_file: Text = Field(default="", examples=["/run/secrets/braze"])
    api_key_env: Text = Field(default="", examples=["BRAZE_API_KEY"])
    api_key: SecretStr = Field(default=SecretStr(""), examples=["..."])
    poll: Poll = Poll()
    limits: Limits = Limits()
    rate_limit: RateLimit = RateLimit()
    network: Network = Network()
    integrations: list[Integration] = []
    discovery: Discovery = Discovery()


class ConfigFile(Block):
    poll: Poll = Poll()
    limits: Limits = Limits()
    history: Duration = Field(default=HISTORY.total_seconds(), examples=["90d"])
    grafana_url: GrafanaUrl = Field(default="", examples=["https://grafana.example.org"])
    network: Network = Network()
    api_key_file: KeyPattern = Field(default="", examples=["/run/secrets/braze/{name}"])
    workspaces: Annotated[list[Workspace], Field(min_length=1)]
