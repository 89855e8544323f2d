"""Where a webhook may go: to addresses of the public internet, over TLS.

Whoever may enter an address could otherwise have this machine ask its own services, its neighbours or
the cloud's metadata (server-side request forgery, CWE-918). The name is looked up once, every address
it leads to is checked, and the connection is made to an address that was checked: a name that answers
otherwise the second time leads nowhere. Redirects are never followed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from kanhe.core.decision import Text
from kanhe.core.errors import KanheError

MOST_LETTERS = 2_000
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?")
_PLAIN = re.compile(r"[\x21-\x7e]+")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class DestinationError(KanheError):
    """Nothing is sent there; `told` says why in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.told = Text(en, zh)


class Destination(NamedTuple):
    """An address that may be asked, before its name is looked up."""

    tls: bool
    host: str
    port: int
    path: str
    """With the query."""

    @property
    def host_header(self) -> str:
        """How the receiver is called in the request."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.tls else 80) else f"{name}:{self.port}"


def read_destination(url: str, *, private: bool = False) -> Destination:
    """The parts of an address. Raises `DestinationError`.

    With `private`, plain http and addresses of the own network are accepted.
    """
    if len(url) > MOST_LETTERS or not _PLAIN.fullmatch(url) or "\\" in url:
        raise DestinationError(
            f"an address has at most {MOST_LETTERS} letters, digits and signs of ASCII",
            f"地址最多 {MOST_LETTERS} 个字符，且只能包含 ASCII 字母、数字和符号",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise DestinationError("this is no address", "这不是有效的地址") from None
    if parts.scheme not in (("https", "http") if private else ("https",)):
        raise DestinationError("an address begins with https://", "地址须以 https:// 开头")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise DestinationError(
            "an address has no user, no password and no part after #",
            "地址不能包含用户名、密码或 # 之后的部分",
        )
    host = (parts.hostname or "").rstrip(".").lower()
    literal = _literal(host)
    if literal is None and not _HOST.fullmatch(host):
        raise DestinationError("the address names no host", "地址中缺少有效的主机名")
    if literal is not None:
        check_addresses([literal], private=private)
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(tls, host, port or (443 if tls else 80), path)


def check_addresses(addresses: Iterable[Address], *, private: bool = False) -> Address:
    """The address to connect to: the first, if all of them may be asked. Raises `DestinationError`.

    All, not one: a name that leads to both a public and a private address was made to deceive.
    """
    found = list(addresses)
    if not found:
        raise DestinationError("the name leads to no address", "域名无法解析")
    if not private:
        for address in found:
            if not is_public(address):
                raise DestinationError(
                    "it leads to an address of a private network, of this machine or of no one",
                    "该地址指向内网、本机或保留地址",
                )
    return found[0]


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, also where it is wrapped into another one."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        inside = address.ipv4_mapped or address.sixtofour
        if inside is None and address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inside is not None:
            return is_public(inside)
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
