"""Against forged requests: where a request came from first, a token of the session second.

A browser says of each request which site made it (Fetch Metadata), and of each POST the origin. Either
is enough to refuse; a request that says neither was not made by a form of these pages. The token is a
function of the session's secret that does not give the secret away, so that nothing has to be kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
FIELD = "csrf"
HEADER = "x-csrf"


def token_of(secret: str) -> str:
    """The token that forms of this session carry."""
    mac = hmac.digest(secret.encode(), b"kanhe console form", hashlib.sha256)
    return base64.urlsafe_b64encode(mac[:24]).decode()


def fits(secret: str, token: str) -> bool:
    """Whether a token is that of the session; compared in constant time."""
    return bool(secret) and hmac.compare_digest(token_of(secret).encode(), token.encode())


def is_from_here(method: str, headers: Mapping[str, str], origin: str) -> bool:
    """Whether a request was made by a page of this origin, or by a person who went to an address.

    Reading is refused only where another site's page would read (not where it leads here by a link),
    changing wherever it is not certain that the request comes from here.
    """
    site = headers.get("sec-fetch-site")
    if method in SAFE_METHODS:
        leads_here = headers.get("sec-fetch-mode") == "navigate" and headers.get(
            "sec-fetch-dest"
        ) in (None, "document")
        return site in (None, "same-origin", "none") or leads_here
    said = headers.get("origin")
    if site is not None:
        return site == "same-origin" and said in (None, origin)
    return said == origin
