"""
The servers that `benchmarks/page.py` compares, each in a process of its own.

Called as `python -m benchmarks.page_servers KIND INTEGRATIONS`: makes the views, times the rendering of the page
alone, serves on a free loopback port and prints one JSON line about both. For each line on its standard input the
exporter shows what 15 seconds of polling change, and prints an empty line after that; it ends with its standard input.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import structlog
from prometheus_client import CollectorRegistry, Metric, generate_latest, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from exporter.braze.endpoints import Endpoint
from exporter.domain.limits import LimitSettings, limits_in_effect
from exporter.domain.model import Integration, Sync, SyncStatus, Totals
from exporter.domain.problem import Problem, Severity
from exporter.domain.view import View
from exporter.metrics.catalogue import CATALOGUE
from exporter.metrics.family import INTEGRATION_LABELS, integration_labels
from exporter.metrics.page import Exposition, Page
from exporter.metrics.self_metrics import SelfMetrics
from exporter.metrics.text import Kind
from exporter.web.routes import build_web
from exporter.web.server import Server
from exporter.web.view import ExporterStatus, WebSources

PER_WORKSPACE = 100
"""Integrations in one workspace."""
PROBLEM_EVERY = 20
"""One in this many integrations has a problem."""
SYNC_EVERY = 240
"""One in this many has had a sync between two scrapes: each has one an hour, and is scraped every 15 seconds."""
POLLED_EVERY = 4
"""One in this many workspaces has been polled between them."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


LIMITS = limits_in_effect(LimitSettings({"lag": 7200.0, "success_age": 86400.0, "rows_synced": 10.0}))


def views(count: int, *, random_ids: bool = False) -> list[View]:
    """*count* integrations with every limit, about which everything is known that `job_sync_status` tells."""
    now = datetime.now(UTC)
    polled_at = [now - timedelta(seconds=number % 60, microseconds=number) for number in range(count)]
    return [view(number, at, random_ids=random_ids) for number, at in enumerate(polled_at)]


def identifier(number: int, *, random: bool) -> str:
    """Real ids are random, and compress badly: a third of the page's lines is little else."""
    return str(UUID(int=Random(number).getrandbits(128))) if random else f"4f2c9a1e-7b3d-4c5e-8f60-{number:012d}"


def view(number: int, polled_at: datetime, more_syncs: int = 0, *, random_ids: bool = False) -> View:
    started_at = polled_at - timedelta(minutes=20, seconds=number % 600)
    finished_at = started_at + timedelta(seconds=30 + number % 300)
    sync = Sync(started_at, SyncStatus.SUCCESS, finished_at, started_at, 1000 + number + more_syncs, number % 7)
    return View(
        integration=Integration(
            workspace=f"workspace-{number // PER_WORKSPACE}",
            integration_id=identifier(number, random=random_ids),
            integration_name=f"users attributes {number}",
            labels=(("team", "crm"),),
        ),
        up=True,
        last_poll_at=polled_at,
        last_poll_success_at=polled_at,
        stale_at=polled_at + timedelta(hours=1),
        latest=sync,
        latest_finished=sync,
        last_success_at=finished_at,
        last_timestamp_synced=started_at,
        consecutive_failed_syncs=0,
        totals=Totals(
            (100 + number % 9 + more_syncs, 2, 1, 0, 0, 0), 123456 + number + 1000 * more_syncs, 17, 3600.5 + number
        ),
        problems=() if number % PROBLEM_EVERY else (Problem("rows_failed", Severity.WARNING, "Rows failed"),),
        limits=LIMITS,
        failed_rows_ratio=sync.failed_rows_ratio,
        last_sync_lag_seconds=sync.lag_seconds,
    )


def polled(published: list[View], turn: int, *, random_ids: bool) -> Iterator[View]:
    """What the *turn*-th 15 seconds change: a quarter of the workspaces have been polled, a sync an hour has ended."""
    now, random = datetime.now(UTC), Random(turn)
    for number, before in enumerate(published):
        if not random.randrange(SYNC_EVERY):
            yield view(number, now, turn, random_ids=random_ids)
        elif (number // PER_WORKSPACE + turn) % POLLED_EVERY == 0:
            yield replace(before, last_poll_at=now, last_poll_success_at=now, stale_at=now + timedelta(hours=1))


def build_self_metrics(integrations: int) -> SelfMetrics:
    """The exporter's own metrics after it has polled for a while."""
    self_metrics = SelfMetrics()
    for number in range(-(-integrations // PER_WORKSPACE)):
        workspace = f"workspace-{number}"
        self_metrics.prepare_workspace(workspace)
        for endpoint in Endpoint:
            self_metrics.request_answered(workspace, endpoint, "200", 0.3)
            self_metrics.rate_limit_seen(workspace, endpoint, limit=100, remaining=60, reset_at_seconds=1767225600)
        self_metrics.poll_finished(workspace, None)
        self_metrics.poll_interval(workspace, 60, 60)
        self_metrics.integrations(workspace, "config", PER_WORKSPACE)
    return self_metrics


class CatalogueCollector(Collector):
    """The same values in prometheus-client's objects, made again at each scrape as its documentation advises."""

    def __init__(self, published: list[View]) -> None:
        self._published = published

    def collect(self) -> Iterator[Metric]:
        now_microseconds = (datetime.now(UTC) - EPOCH) // timedelta(microseconds=1)
        kinds = {Kind.GAUGE: GaugeMetricFamily, Kind.COUNTER: CounterMetricFamily}
        for family in CATALOGUE:
            configured = ("team",) if family.name.endswith("_info") else ()
            labels = (*INTEGRATION_LABELS, *family.labels, *configured)
            metric = kinds[family.kind](family.name, family.help, labels=labels)
            for published in self._published:
                if (value := getattr(published, family.reads)) is None:
                    continue
                identity = [label for _, label in integration_labels(published.integration)]
                for pairs, number in family.samples(value):
                    shown = (now_microseconds - number) / 1e6 if family.against_now else number
                    metric.add_metric([*identity, *(label for _, label in pairs)], shown)
            yield metric


def announce(port: int, render: Callable[[], Iterable[bytes]]) -> None:
    """Say where the server is, and how long making the page takes without it; pieces are let go of as when sent."""
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        for _piece in render():
            pass
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"port": port, "render_seconds": statistics.median(seconds)}), flush=True)


def serve_exporter(integrations: int, *, random_ids: bool) -> None:
    page = Page(build_self_metrics(integrations))
    published = views(integrations, random_ids=random_ids)
    for one in published:
        page.publish(one)

    def render(*, openmetrics: bool) -> Exposition:
        return page.render(datetime.now(UTC), openmetrics=openmetrics)

    async def status() -> ExporterStatus:
        raise NotImplementedError

    sources = WebSources(
        render=render, status=status, unhealthy=tuple, unready=tuple, integration=lambda _path: None, config=str
    )
    server = Server(build_web(sources, telemetry_path="/metrics", log=structlog.get_logger()))
    (address,) = server.bind(["127.0.0.1:0"])
    announce(address.port, lambda: render(openmetrics=False).chunks)

    async def serve() -> None:
        stop = asyncio.Event()
        serving = asyncio.create_task(server.serve(stop))
        turn = 0
        while await asyncio.to_thread(sys.stdin.readline):
            turn += 1
            for one in polled(published, turn, random_ids=random_ids):
                page.publish(one)
            print(flush=True)
        stop.set()
        await serving

    asyncio.run(serve())


def serve_prometheus_client(integrations: int, *, random_ids: bool) -> None:
    registry = CollectorRegistry()
    registry.register(CatalogueCollector(views(integrations, random_ids=random_ids)))
    server, _ = start_http_server(0, addr="127.0.0.1", registry=registry)
    announce(server.server_port, lambda: (generate_latest(registry),))
    sys.stdin.read()


SERVERS = {"exporter": serve_exporter, "prometheus-client": serve_prometheus_client}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=SERVERS)
    parser.add_argument("integrations", type=int)
    parser.add_argument("--random-ids", action="store_true")
    arguments = parser.parse_args()
    SERVERS[arguments.kind](arguments.integrations, random_ids=arguments.random_ids)
