"""
The ways from exporters to alerts: who scrapes, who keeps the series, who evaluates the rules. Each is a block of
programs that takes Prometheus' configuration, as it is or translated, and has the same API.
"""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

import httpx
import yaml

from tests.components import component
from tests.e2e.command import wait_for
from tests.stack.programs import ROOT, free_port, prometheus, ready, running
from tools.dashboards.prometheus import Prometheus

Config = Mapping[str, Any]
RECIPES = ROOT / "deploy" / "recipes"


@dataclass(frozen=True)
class Road:
    """An open one: *url* answers queries, *configure* takes a changed configuration into force."""

    url: str
    configure: Callable[[Config], None]


Opening = Callable[[Path, Config], Any]
"""A context manager that gives a `Road`."""


@contextmanager
def by_prometheus(folder: Path, config: Config) -> Iterator[Road]:
    # After it has read its configuration again, Prometheus knows no Alertmanager for up to five seconds. What it could
    # not send then, it sends again after this time: a minute by default, longer than most alerts fire here.
    flags = ("--web.enable-lifecycle", "--rules.alert.resend-delay=5s")
    with prometheus(folder, config, *flags) as url:

        def configure(changed: Config) -> None:
            (folder / "prometheus.yml").write_text(yaml.safe_dump(changed))
            httpx.post(f"{url}/-/reload", trust_env=False).raise_for_status()

        yield Road(url, configure)


@contextmanager
def by_victoria_metrics(folder: Path, config: Config, *, agent: bool = False) -> Iterator[Road]:
    """VictoriaMetrics or vmagent scrapes by the recipe; vmalert evaluates, and keeps in the former what it records."""
    file = folder / "scrape.yml"
    address, own, agents = (f"127.0.0.1:{free_port()}" for _ in range(3))
    url, scraper = f"http://{address}", f"http://{agents if agent else address}"
    interval = config["global"]["evaluation_interval"]
    (alertmanager,) = config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]

    def write(changed: Config) -> None:
        recipe = yaml.safe_load((RECIPES / "victoria-metrics.yml").read_text())
        times = {key: changed["global"][key] for key in ("scrape_interval", "scrape_timeout")}
        recipe["scrape_configs"][0].update(times | changed["scrape_configs"][0])
        file.write_text(yaml.safe_dump(recipe))

    def configure(changed: Config) -> None:
        write(changed)
        httpx.post(f"{scraper}/-/reload", trust_env=False).raise_for_status()

    write(config)
    scrape = f"-promscrape.config={file}"
    database = [
        str(component("victoria-metrics")),
        f"-storageDataPath={folder / 'victoria-metrics'}",
        f"-httpListenAddr={address}",
        *([] if agent else [scrape]),
        # Its half minute and five seconds are long where a minute is a second and a half.
        "-search.latencyOffset=0s",
        "-inmemoryDataFlushInterval=1s",
    ]
    evaluator = [
        str(component("vmalert")),
        *(f"-rule={pattern}" for pattern in config["rule_files"]),
        f"-datasource.url={url}",
        f"-remoteWrite.url={url}",
        f"-remoteRead.url={url}",
        f"-notifier.url=http://{alertmanager}",
        f"-evaluationInterval={interval}",
        f"-httpListenAddr={own}",
        "-remoteWrite.flushInterval=200ms",
        "-rule.evalDelay=0s",  # as latencyOffset
    ]
    sender = [
        *(str(component("vmagent")), scrape, f"-httpListenAddr={agents}"),
        *(f"-remoteWrite.url={url}/api/v1/write", f"-remoteWrite.tmpDataPath={folder / 'vmagent'}"),
        "-remoteWrite.flushInterval=200ms",
    ]
    with (
        ready(database, folder / "victoria-metrics.log", url, "/health"),
        ready(sender, folder / "vmagent.log", scraper, "/health") if agent else nullcontext(),
    ):
        # The first series of all take seconds to be found, and to the rules these are minutes.
        wait_for("the first scrape to be found", lambda: bool(Prometheus(url).now("up", time())))
        with ready(evaluator, folder / "vmalert.log", f"http://{own}", "/health"):
            yield Road(url, configure)


@contextmanager
def by_vmagent(folder: Path, config: Config) -> Iterator[Road]:
    with by_victoria_metrics(folder, config, agent=True) as road:
        yield road


@contextmanager
def by_collector(folder: Path, config: Config) -> Iterator[Road]:
    """OpenTelemetry's collector of the recipe scrapes and sends by OTLP; Prometheus 3 keeps and evaluates."""
    file = folder / "otelcol.yml"
    flags = (
        "--web.enable-otlp-receiver",
        # A collector that restarts marks no series as ended: five minutes, as short as all others are here.
        "--query.lookback-delta=8s",
    )
    with prometheus(folder, {**config, "scrape_configs": []}, *flags) as url:

        def write(changed: Config) -> None:
            recipe = yaml.safe_load((RECIPES / "opentelemetry-collector.yaml").read_text())
            times = {key: changed["global"][key] for key in ("scrape_interval", "scrape_timeout")}
            (job,) = recipe["receivers"]["prometheus"]["config"]["scrape_configs"]
            job.update(times | changed["scrape_configs"][0])
            recipe["exporters"]["otlphttp"]["endpoint"] = f"{url}/api/v1/otlp"
            recipe["service"]["telemetry"] = {"metrics": {"level": "none"}}  # else it listens on a port of its own
            file.write_text(yaml.safe_dump(recipe))

        write(config)
        command = [str(component("otelcol")), f"--config=file:{file}"]
        with running(folder / "otelcol.log", command) as process:

            def configure(changed: Config) -> None:
                write(changed)
                process.send_signal(signal.SIGHUP)

            yield Road(url, configure)
