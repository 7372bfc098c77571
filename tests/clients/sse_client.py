"""Follows a stream with the Python package `httpx-sse`, which leaves reconnecting to its user.

    .venv/bin/python sse_client.py URL TYPE… < /dev/tty

The loop below is the one that such a user writes: the last id and the last `retry` of the stream, and no more.
"""

import json
import os
import sys
import threading
import time

import httpx
from httpx_sse import connect_sse


def main():
    url, *types = sys.argv[1:]
    threading.Thread(target=exit_at_end_of_input, daemon=True).start()
    last_event_id, retry_seconds = "", 1.0
    # A quiet stream is no dead one: only connecting has a deadline.
    with httpx.Client(trust_env=False, timeout=httpx.Timeout(5, read=None)) as client:
        while True:
            try:
                headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
                with connect_sse(client, "GET", url, headers=headers) as source:
                    if source.response.status_code != 200:
                        report({"failed": f"status {source.response.status_code}", "final": True})
                        return
                    report({"opened": True})
                    for event in source.iter_sse():
                        last_event_id = event.id
                        if event.retry is not None:
                            retry_seconds = event.retry / 1000
                        # An id without data moves the cursor and is no event.
                        if event.data and event.event in types:
                            report({"event": {"type": event.event, "id": event.id, "data": event.data}})
                report({"failed": "ended", "final": False})
            except httpx.TransportError as error:
                report({"failed": repr(error), "final": False})
            time.sleep(retry_seconds)


def report(what):
    print(json.dumps(what), flush=True)


def exit_at_end_of_input():
    sys.stdin.buffer.read()
    os._exit(0)


main()
