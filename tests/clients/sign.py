"""Signs webhooks as their senders do, with the senders' own libraries: the Python half of `sign.mjs`."""

import json
import sys
from datetime import datetime, timezone

from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook


def slack(secret, body, at, **_):
    signature = SignatureVerifier(secret).generate_signature(timestamp=str(at), body=body)
    content_type = "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
    return {"content-type": content_type, "x-slack-request-timestamp": str(at), "x-slack-signature": signature}


def standard_webhooks(secret, body, id, at, **_):
    signature = Webhook(secret).sign(id, datetime.fromtimestamp(at, tz=timezone.utc), body)
    return {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(at),
        "webhook-signature": signature,
    }


SCHEMES = {"slack": slack, "standard-webhooks": standard_webhooks}

for line in sys.stdin:
    command = json.loads(line)
    headers = SCHEMES[command.pop("scheme")](**command)
    print(json.dumps({"headers": headers}), flush=True)
