"""What is set up for the buyers of each tenant: the shop's name, and where its passkeys are made.

The file that the setting `step_up_shops` names is TOML, one table per tenant:

    [acme]
    name = "Acme"
    origins = ["https://shop.acme.example", "https://m.acme.example"]
    rp_id = "acme.example"

`rp_id` is the domain that passkeys are bound to (WebAuthn Level 3, 5.1.2): the host of each origin, or
a domain that it lies in. Without it, it is the host of the first origin. It can never be changed
without making all passkeys worthless.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kanhe.core.errors import SettingsError

_KNOWN = ("name", "origins", "rp_id")
_MOST_NAME = 64


class Shop(NamedTuple):
    """One tenant's shop, as its buyers know it."""

    name: str
    rp_id: str = ""
    origins: tuple[str, ...] = ()
    """Empty where no passkeys can be made."""


class Shops:
    """All that is set up; a tenant that is not goes by its own name and has no passkeys."""

    def __init__(self, shops: Mapping[str, Shop] | None = None) -> None:
        self._shops = dict(shops or {})

    def of(self, tenant: str) -> Shop:
        """The shop of a tenant."""
        return self._shops.get(tenant) or Shop(tenant[:_MOST_NAME])


def read_shops(path: str) -> Shops:
    """Read the file; none if `path` is empty. Raises `SettingsError` that says what is wrong where."""
    if not path:
        return Shops()
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read the shops for step-up from {path}: {error}") from None
    return Shops({tenant: _shop(tenant, table, path) for tenant, table in tables.items()})


def _shop(tenant: str, table: Any, path: str) -> Shop:
    where = f"[{tenant}] in {path}"
    if not isinstance(table, dict):
        raise SettingsError(
            f"{path}: {tenant} stands outside of a table; write [{tenant}] above it"
        )
    if unknown := sorted(set(table) - set(_KNOWN)):
        raise SettingsError(f"{where} knows {', '.join(_KNOWN)}, not {unknown[0]}")
    name, origins = table.get("name", tenant), table.get("origins", [])
    if not isinstance(name, str) or not 1 <= len(name) <= _MOST_NAME or not name.isprintable():
        raise SettingsError(f"{where}: name has 1 to {_MOST_NAME} printable characters")
    if not isinstance(origins, list) or not all(isinstance(one, str) for one in origins):
        raise SettingsError(f'{where}: origins is a list such as ["https://shop.example.com"]')
    hosts = [_host(origin, where) for origin in origins]
    rp_id = table.get("rp_id", hosts[0] if hosts else "")
    if not isinstance(rp_id, str) or (rp_id and not hosts):
        raise SettingsError(f"{where}: rp_id is a domain, and needs origins")
    for host in hosts:
        if host != rp_id and not (host.endswith(f".{rp_id}") and "." in rp_id):
            raise SettingsError(
                f"{where}: {host} does not lie in {rp_id}; browsers would refuse its passkeys"
            )
    return Shop(name, rp_id, tuple(origins))


def _host(origin: str, where: str) -> str:
    """The host of an origin that browsers make passkeys for."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    local = host == "localhost" or host.endswith(".localhost")
    if origin != f"{parts.scheme}://{parts.netloc}" or not host or "@" in parts.netloc:
        raise SettingsError(
            f"{where}: write an origin such as https://shop.example.com, not {origin}"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise SettingsError(
            f"{where}: browsers make passkeys over https only, or at http://localhost"
        )
    if _is_address(host):
        raise SettingsError(
            f"{where}: browsers make passkeys for names, not for the address {host}"
        )
    if host != host.lower() or parts.netloc != parts.netloc.lower():
        raise SettingsError(f"{where}: write {origin} in small letters, as browsers do")
    return host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
