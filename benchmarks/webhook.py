"""A webhook of the duty desks, in a process of its own: when each alarm reached it; and the people for it."""

import json
import re
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection as Pipe
from typing import Final

from alerting import oncall_store, people_store
from alerting.escalation import default_policy, parse
from alerting.people import Person, Role, Scope
from ingest.database import Connection

SECRET: Final = "secret-of-the-benchmark"  # noqa: S105 - of a server that lives for seconds
POLL_S: Final = 0.05
# Without them the service does not speak to a server like this one.
SETTINGS: Final = {
    "ANHU_NOTIFY_WEBHOOK_PLAIN_HTTP": "true",
    "ANHU_NOTIFY_WEBHOOK_NETWORKS_ALLOWED": "127.0.0.0/8",
}
# Every alarm is to go alone and at once, so that each one's way is measured.
_NO_GROUPING: Final = (("group_s = 10 ", "group_s = 0 "), ("alone_per_minute_max = 3 ", "alone_per_minute_max = 600 "))


def people(connection: Connection, url: str) -> None:
    """One person on duty at each institution, all reached at `url`, and a policy that tells of each alarm alone."""
    body = default_policy()
    for old, new in _NO_GROUPING:
        body = body.replace(old, new)
    oncall_store.save_policy(connection, parse(body), body, loaded_by="benchmark")
    for (institution_id,) in connection.execute("SELECT id FROM institutions").fetchall():
        who = Person(0, "Duty", Role.OPERATOR, Scope(institution_id))
        who = people_store.save_person(connection, actor="benchmark", who=who)
        people_store.replace_contacts(connection, actor="benchmark", who=who, ways=[("webhook", f"{url}#{SECRET}")])


def receive(count: int, seconds_max: float, device: str, result: Pipe) -> None:
    """Serve until messages about `count` devices came or `seconds_max` have passed, counted from the first question.

    Answers with its address at once, and at the end with a list of (what the regular expression `device` finds in the
    title or the text, when it was here first in µs since 1970, how often it came). The service needs
    SETTINGS.
    """
    arrived: list[tuple[int, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # headers and body are two writes

        def do_POST(self) -> None:
            arrived.append((time.time_ns() // 1000, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    first_us: dict[str, int] = {}
    times: Counter[str] = Counter()
    read = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        result.send(f"http://127.0.0.1:{server.server_port}/")
        deadline_s = time.monotonic() + seconds_max
        while len(first_us) < count and time.monotonic() < deadline_s:
            time.sleep(POLL_S)
            for at_us, body in arrived[read:]:
                read += 1
                document = json.loads(body)
                for name in set(re.findall(device, document["title"] + document["text"])):
                    first_us.setdefault(name, at_us)
                    times[name] += 1
        server.shutdown()
    result.send([(name, at_us, times[name]) for name, at_us in first_us.items()])
