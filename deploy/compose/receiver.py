# noqa: INP001 - a script that is mounted, not a package
"""
Prints what Alertmanager sends: one line for each alert of each notification, so that a reader sees it arrive.

It stands where a pager, a ticket system or a chat would be. Only the standard library: it runs in the exporter's image.
"""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        notification = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for alert in notification["alerts"]:
            name, summary = alert["labels"]["alertname"], alert["annotations"].get("summary", "")
            # The path is the receiver's name in deploy/alertmanager.
            line = f"{self.path.strip('/')}: {alert['status']}: {name}: {summary}"
            print("".join(each if each.isprintable() else " " for each in line), flush=True)  # noqa: T201 - its purpose
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing about requests: the alerts are the log."""


if __name__ == "__main__":
    # The first process of a container has no default action for this signal.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    ThreadingHTTPServer(("127.0.0.1", 9095), Receiver).serve_forever()
