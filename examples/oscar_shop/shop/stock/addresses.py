"""Addresses for trying things out: on one machine everybody comes from 127.0.0.1.

A shop in earnest has no such thing. Here, with `SHOP_PRETEND_ADDRESSES`, each browser comes from an
address of its own (RFC 5737: made for documents), so that an honest buyer is no neighbour of the thief
in the window beside.
"""

import secrets

from django.conf import settings
from django.core import signing

_COOKIE = "shop-address"


class PretendedAddress:
    """Before all other middleware."""

    def __init__(self, get_response):
        self._get_response = get_response

    def __call__(self, request):
        """With the address of this browser."""
        try:
            address = signing.loads(request.COOKIES.get(_COOKIE, ""), salt=_COOKIE)
            known = True
        except signing.BadSignature:
            net = secrets.choice(("203.0.113", "198.51.100"))
            address, known = f"{net}.{1 + secrets.randbelow(254)}", False
        # The gateway and the desk have no browser: they come from where they come.
        if "Mozilla" in request.headers.get("User-Agent", ""):
            request.META["REMOTE_ADDR"] = address
        response = self._get_response(request)
        if not known:
            kept = signing.dumps(address, salt=_COOKIE)
            response.set_cookie(
                _COOKIE, kept, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
            )
        return response
