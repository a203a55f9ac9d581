"""
Stands where a pager or a ticket system would be: takes Alertmanager's webhooks on a loopback port and keeps every
message, with the name of the receiver it was sent to and the time.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from time import time
from typing import Any, NamedTuple


class Alert(NamedTuple):
    """Which alert: of an integration, of a workspace, or of the exporters."""

    name: str
    workspace: str = ""
    integration: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in self if part)


@dataclass(frozen=True)
class Message:
    """One alert in one notification."""

    alert: Alert
    firing: bool
    receiver: str
    labels: dict[str, str]
    annotations: dict[str, str]
    fingerprint: str
    """Of the labels: one alert may be there several times, such as for each endpoint."""
    at: float
    """When it arrived, in seconds since 1970."""


@dataclass
class Inbox:
    """All messages so far, in the order in which they arrived."""

    messages: list[Message] = field(default_factory=list)

    def arrived(self, since: float = -inf) -> set[Alert]:
        """What has been said to fire since then, whether it has ended or not."""
        return {each.alert for each in tuple(self.messages) if each.firing and each.at >= since}

    def firing(self, at: float = inf) -> set[Alert]:
        """What was last said to fire at that time."""
        latest = {each.fingerprint: each for each in tuple(self.messages) if each.at < at}
        return {each.alert for each in latest.values() if each.firing}

    def take(self, receiver: str, notification: dict[str, Any]) -> None:
        latest = {each.fingerprint: each.firing for each in self.messages}
        for alert in notification["alerts"]:
            labels, fingerprint = alert["labels"], alert["fingerprint"]
            which = Alert(labels["alertname"], labels.get("workspace", ""), labels.get("integration_name", ""))
            firing = alert["status"] == "firing"
            # Each notification tells all alerts of its group: what is not new is no message.
            if firing != latest.get(fingerprint, False):
                message = Message(which, firing, receiver, labels, alert["annotations"], fingerprint, time())
                self.messages.append(message)


@contextmanager
def receiver() -> Iterator[tuple[str, Inbox]]:
    """Receive until the block ends; gives the address to send to, and what has arrived."""
    inbox = Inbox()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            notification = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            inbox.take(self.path.strip("/"), notification)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: the messages are the log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, name="receiver")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", inbox
        finally:
            server.shutdown()
            thread.join()
