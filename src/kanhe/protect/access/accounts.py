"""An account of somebody of the staff, and how they can sign in with it."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from kanhe.core.decision import Text
from kanhe.core.errors import KanheError

_MAIL = re.compile(r"[^\s@<>\"'(),:;\[\]\\]{1,64}@[^\s@<>\"'(),:;\[\]\\/]{1,189}")
_NAME = 80
_TENANT = 128


class AccessRefused(KanheError):
    """Something asked of an account is not done. `text` says why, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en, zh)


class Account(NamedTuple):
    """What is kept of one person."""

    id: str
    mail: str
    name: str
    tenant: str
    """The only tenant whose records they see; empty for staff of the whole platform."""
    roles: tuple[str, ...]
    created_ms: int
    disabled_ms: int
    """0 while the account may be used."""
    signed_in_ms: int
    """When they last signed in; 0 if never."""
    password: str
    """Its hash, empty if there is none."""
    password_ms: int
    totp: bytes
    """The locked secret of their authenticator app, empty if there is none."""
    totp_step: int
    recovery_salt: bytes
    recovery_left: int
    """Recovery codes that were not used yet."""
    passkeys: int
    """How many they have."""
    identities: int
    """How many accounts of the single sign-on are tied to this one."""
    handle: bytes
    """What passkeys remember them by: random, so that it says nothing."""
    language: str
    theme: str
    time_zone: str

    @property
    def has_second_factor(self) -> bool:
        """Whether there is something to show beside a password."""
        return bool(self.totp or self.passkeys)

    @property
    def can_sign_in(self) -> bool:
        """Whether any way in is complete: a passkey, a password with a code, or the single sign-on."""
        return not self.disabled_ms and bool(
            self.passkeys or (self.password and self.totp) or self.identities
        )


def folded_mail(mail: str) -> str:
    """The address as accounts are found by."""
    readable = mail[:400].encode("utf-8", "replace").decode("utf-8")
    return unicodedata.normalize("NFKC", readable).strip().casefold()


def checked_mail(mail: str) -> str:
    """A mail address, as it was typed but for what surrounds it. Raises `AccessRefused`."""
    shown = unicodedata.normalize("NFC", mail[:400]).strip()
    if not _MAIL.fullmatch(shown) or not shown.isprintable():
        raise AccessRefused(
            "write a mail address such as ana@example.com", "请填写邮箱地址，例如 ana@example.com"
        )
    return shown


def checked_name(name: str) -> str:
    """A person's name. Raises `AccessRefused`."""
    shown = " ".join(unicodedata.normalize("NFC", name[:400]).split())
    if not 1 <= len(shown) <= _NAME or not shown.isprintable():
        raise AccessRefused(f"a name has 1 to {_NAME} characters", f"姓名须为 1 至 {_NAME} 个字符")
    return shown


def checked_tenant(tenant: str) -> str:
    """The name of a tenant, or empty for the whole platform. Raises `AccessRefused`."""
    shown = tenant.strip()
    if len(shown) > _TENANT or not shown.isprintable():
        raise AccessRefused(
            f"a tenant's name has at most {_TENANT} printable characters",
            f"租户名称最多 {_TENANT} 个可见字符",
        )
    return shown
