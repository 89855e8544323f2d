"""Alipay's asynchronous notices: a signed form.

All parameters but `sign` and `sign_type`, in the order of their names, are joined as `name=value` by
`&`, unquoted, in the bytes of their charset; `sign` is RSASSA-PKCS1-v1_5 with SHA-256 (`RSA2`) over
that, by Alipay's key. https://opendocs.alipay.com/open/270/105902
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kanhe.core.notice import Notice
from kanhe.protect.inbound.credentials import Credential, in_force
from kanhe.protect.inbound.evidence import (
    Request,
    bytes_of_base64,
    not_authentic,
    not_readable,
    rsa_fits,
)
from kanhe.protect.inbound.reading import read_parameters, text_of_parameters

_UNSIGNED = frozenset({b"sign", b"sign_type"})
# What counts of a notice: whose it is, about what trade, how much, what became of it.
_HIDDEN = re.compile(
    rb"&(app_id|auth_app_id|seller_id|buyer_id|buyer_open_id|charset|gmt_\w+|notify_\w+|out_biz_no"
    rb"|out_trade_no|refund_fee|total_amount|trade_no|trade_status)="
)


def check(
    request: Request, credentials: Sequence[Credential], account: str, now_ms: int
) -> tuple[Notice, ...]:
    """The notice in a request. `account` is the `app_id`, or empty. Raises a refusal."""
    parameters = read_parameters(request.body)
    if parameters.get(b"sign_type") != b"RSA2":
        raise not_authentic("sign_type is not RSA2.")
    if any(_HIDDEN.search(value) for value in parameters.values()):
        # What is signed is not escaped: a text could be cut so that it says another amount or app.
        raise not_authentic("A value holds what could be another parameter.")
    signature = bytes_of_base64(parameters.get(b"sign", b"").decode("latin-1"))
    keys = in_force(credentials, "public_key", now_ms)
    if signature is None or not rsa_fits(keys, signed_content(parameters), signature):
        raise not_authentic("sign does not fit the parameters and a key of this source.")
    charset = parameters.get(b"charset", b"utf-8").decode("latin-1")
    document = text_of_parameters(parameters, charset)
    if account and account not in (document.get("app_id"), document.get("auth_app_id")):
        raise not_authentic("The notice is for another app_id.")
    notice_id = document.get("notify_id", "")
    if not notice_id:
        raise not_readable("The notice has no notify_id.")
    envelope = {"id": notice_id, "topic": document.get("trade_status", "")}
    return (Notice(notice_id, document, envelope),)


def signed_content(parameters: dict[bytes, bytes]) -> bytes:
    """What is signed of a form."""
    return b"&".join(
        name + b"=" + value for name, value in sorted(parameters.items()) if name not in _UNSIGNED
    )
