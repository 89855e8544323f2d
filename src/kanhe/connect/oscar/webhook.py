"""What the desk tells: `case.resolved` releases or cancels what was held.

Messages follow Standard Webhooks. (1) The signature over the bytes that came is checked first, with
each secret that is set; (2) then its time, so that an old message is worth nothing; (3) then the body
is read. Acting on it twice changes nothing, so that the same message may come again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
from typing import Any

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from kanhe.connect.oscar import holding
from kanhe.connect.oscar.configuration import LEAST_SECRET, configuration, key_of
from kanhe.connect.oscar.models import GuardedOrder

logger = logging.getLogger("kanhe.connect")
TOLERANCE_S = 300
_BODY_MAX = 1 << 20


def is_signed(
    secrets: tuple[str, ...], id: str, timestamp: str, body: bytes, signatures: str, now_s: float
) -> bool:
    """Whether one of the signatures is of one of the secrets, over id, time and these very bytes, and
    the time is within five minutes of now."""
    if not id or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    signed = b".".join((id.encode("utf-8", "replace"), timestamp.encode(), body))
    given = [one.removeprefix("v1,") for one in signatures.split() if one.startswith("v1,")]
    good = False
    for secret in secrets:
        key = key_of(secret)
        if len(key) < LEAST_SECRET:
            continue  # An empty secret is a key that everybody knows.
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        good |= any(hmac.compare_digest(one.encode("utf-8", "replace"), wanted) for one in given)
    return good and abs(now_s - int(timestamp)) <= TOLERANCE_S


@csrf_exempt
@require_POST
def desk(request: Any) -> HttpResponse:
    """Take a message of the desk: 204 once it is acted on, 401 if it is not the desk's."""
    chosen = configuration()
    if int(request.META.get("CONTENT_LENGTH") or 0) > _BODY_MAX:
        return HttpResponse("too large\n", status=413, content_type="text/plain")
    body, headers = request.body, request.headers
    good = is_signed(  # (1) (2)
        chosen.webhook_secrets, headers.get("webhook-id", ""), headers.get("webhook-timestamp", ""),
        body, headers.get("webhook-signature", ""), time.time(),
    )  # fmt: skip
    if not good:
        return HttpResponse("the signature does not hold\n", status=401, content_type="text/plain")
    try:
        said = json.loads(body)  # (3)
        topic, data = said["type"], said["data"]
        events = [one for one in data.get("events", ()) if isinstance(one, str)]
        verdict = str(data.get("verdict", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return HttpResponse(
            "this is no message of the desk\n", status=400, content_type="text/plain"
        )
    if topic == "case.resolved":
        moved = holding.resolve(events, verdict)
        logger.info("case %s: %s; %d orders moved", data.get("case"), verdict, moved)
        answers = holding.case_resolved.send_robust(
            sender=GuardedOrder, events=events, verdict=verdict
        )
        if failed := [answer for _, answer in answers if isinstance(answer, Exception)]:
            logger.error("case %s: %r", data.get("case"), failed[0])
            return HttpResponse("try again\n", status=503, content_type="text/plain")
    return HttpResponse(status=204)
