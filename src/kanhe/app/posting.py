"""The mail server of the installation, from settings."""

from __future__ import annotations

from pathlib import Path

from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from kanhe.stores.files.key_files import read_secret
from kanhe.stores.smtp.post import Post


def post_of(settings: Settings) -> Post | None:
    """The mail server to hand letters to; `None` where none is set up. Raises `SettingsError`."""
    if not settings.mail_host:
        return None
    if not settings.mail_from:
        raise SettingsError("mail_host is set, but mail_from is not: set both, or neither")
    password = ""
    if settings.mail_password_file:
        password = read_secret(Path(settings.mail_password_file)).decode("utf-8").strip()
    return Post(
        settings.mail_host, settings.mail_port, settings.mail_from,
        security=settings.mail_security,  # type: ignore[arg-type]  # one of the choices, as settings have checked
        user=settings.mail_user, password=password,
    )  # fmt: skip
