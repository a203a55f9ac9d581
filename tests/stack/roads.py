"""
The ways from exporters to alerts: who scrapes, who keeps the series, who evaluates the rules. Each is a block of
programs that takes Prometheus' configuration, as it is or translated, and has the same API.
"""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.components import component
from tests.stack.programs import free_port, prometheus, ready, running

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Road:
    """An open one: *url* answers queries, *configure* takes a changed configuration into force."""

    url: str
    configure: Callable[[Config], None]


Opening = Callable[[Path, Config], Any]
"""A context manager that gives a `Road`."""


@contextmanager
def by_prometheus(folder: Path, config: Config) -> Iterator[Road]:
    with prometheus(folder, config, "--web.enable-lifecycle") as url:

        def configure(changed: Config) -> None:
            (folder / "prometheus.yml").write_text(yaml.safe_dump(changed))
            httpx.post(f"{url}/-/reload", trust_env=False).raise_for_status()

        yield Road(url, configure)


@contextmanager
def by_victoria_metrics(folder: Path, config: Config) -> Iterator[Road]:
    """VictoriaMetrics scrapes and keeps; vmalert evaluates, and keeps in it what it records and what fires."""
    file, address, own = folder / "scrape.yml", f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    url = f"http://{address}"
    interval = config["global"]["evaluation_interval"]
    (alertmanager,) = config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]

    def write(changed: Config) -> None:
        scraped = {key: changed["global"][key] for key in ("scrape_interval", "scrape_timeout")}
        file.write_text(yaml.safe_dump({"global": scraped, "scrape_configs": changed["scrape_configs"]}))

    def configure(changed: Config) -> None:
        write(changed)
        httpx.post(f"{url}/-/reload", trust_env=False).raise_for_status()

    write(config)
    database = [
        str(component("victoria-metrics")),
        f"-storageDataPath={folder / 'victoria-metrics'}",
        f"-httpListenAddr={address}",
        f"-promscrape.config={file}",
        # What the production's thirty seconds and five are to its minutes.
        "-search.latencyOffset=0s",
        "-search.maxStalenessInterval=5m",
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
        "-rule.evalDelay=0s",
    ]
    with (
        ready(database, folder / "victoria-metrics.log", url, "/health"),
        ready(evaluator, folder / "vmalert.log", f"http://{own}", "/health"),
    ):
        yield Road(url, configure)


@contextmanager
def by_collector(folder: Path, config: Config) -> Iterator[Road]:
    """OpenTelemetry's collector scrapes and sends by OTLP; Prometheus 3 keeps and evaluates."""
    file = folder / "otelcol.yml"
    with prometheus(folder, {**config, "scrape_configs": []}, "--web.enable-otlp-receiver") as url:

        def write(changed: Config) -> None:
            scraped = changed["global"]["scrape_interval"], changed["global"]["scrape_timeout"]
            jobs = [
                {**job, "scrape_interval": scraped[0], "scrape_timeout": scraped[1]}
                for job in changed["scrape_configs"]
            ]
            file.write_text(
                yaml.safe_dump(
                    {
                        # The collector would replace $1 in relabelling by a variable; the shipped jobs have none.
                        "receivers": {"prometheus": {"config": {"scrape_configs": jobs}}},
                        "exporters": {"otlphttp": {"endpoint": f"{url}/api/v1/otlp", "compression": "gzip"}},
                        "service": {
                            "pipelines": {"metrics": {"receivers": ["prometheus"], "exporters": ["otlphttp"]}},
                            "telemetry": {"metrics": {"level": "none"}},
                        },
                    }
                )
            )

        write(config)
        command = [str(component("otelcol")), f"--config=file:{file}"]
        with running(folder / "otelcol.log", command) as process:

            def configure(changed: Config) -> None:
                write(changed)
                process.send_signal(signal.SIGHUP)

            yield Road(url, configure)
