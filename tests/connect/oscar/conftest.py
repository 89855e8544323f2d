"""The example shop in this process, with a Kanhe that answers as a test says, and the real gateway."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.connect.oscar.fake_kanhe import FakeKanhe

EXAMPLE = Path(__file__).parents[3] / "examples" / "oscar_shop"
NOTICES = "whsec_" + base64.b64encode(b"n" * 32).decode()
DESK = "whsec_" + base64.b64encode(b"d" * 32).decode()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Oscar itself still uses what treebeard will drop; nothing else is passed over."""
    for item in items:
        if "tests/connect/oscar" in str(item.path):
            item.add_marker(pytest.mark.filterwarnings("ignore:Using Category:DeprecationWarning"))


@pytest.fixture(scope="package")
def kanhe() -> Iterator[FakeKanhe]:
    """Kanhe's routes on loopback; what it answers and whether it is there is up to the test."""
    with FakeKanhe() as fake:
        yield fake


@pytest.fixture(scope="package")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example's payment gateway; gives its address."""
    sys.path.insert(0, str(EXAMPLE))
    from gateway.application import Keys, gateway_app  # type: ignore[import-not-found]
    from gateway.book import Book  # type: ignore[import-not-found]

    book = Book(tmp_path_factory.mktemp("gateway") / "gateway.db")
    app = gateway_app(book, Keys("pk_test", "sk_test", "http://testserver"))
    config = uvicorn.Config(app, port=0, log_level="warning", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    book.close()


@pytest.fixture(scope="package")
def shop(
    kanhe: FakeKanhe, gateway: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Django, set up once for this process with the example's settings; gives the shop's folder. It can
    be set up only once, so that the tests of this folder stay together (`tests/conftest.py`)."""
    folder = tmp_path_factory.mktemp("shop")
    os.environ.update(
        SHOP_DATA=str(folder), SHOP_SECRET_KEY="of-tests-and-nothing-else-but-them", SHOP_FAST_PASSWORDS="1",
        SHOP_PLAIN_TABLES="1", SHOP_HOSTS="testserver", SHOP_GATEWAY_URL=gateway,
        SHOP_GATEWAY_PUBLISHABLE_KEY="pk_test", SHOP_GATEWAY_SECRET_KEY="sk_test",
        SHOP_GATEWAY_NOTICE_SECRET=NOTICES, SHOP_KANHE_URL=kanhe.url, SHOP_KANHE_KEY="kanhe_test",
        SHOP_KANHE_WEBHOOK_SECRET=DESK, DJANGO_SETTINGS_MODULE="shop.settings",
    )  # fmt: skip
    import django

    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment, teardown_test_environment

    setup_test_environment()
    with redirect_stdout(io.StringIO()):
        call_command("migrate", run_syncdb=True, verbosity=0)
        call_command("fill_shop")
    yield folder
    from django.db import connections

    from kanhe.connect.oscar import connection

    connection.close()
    connections.close_all()
    teardown_test_environment()
    for handler in [one for one in logging.root.handlers if hasattr(one, "baseFilename")]:
        logging.root.removeHandler(handler)
        handler.close()
    logging.root.setLevel(logging.WARNING)
    for name in [name for name in os.environ if name.startswith(("SHOP_", "DJANGO_"))]:
        del os.environ[name]


@pytest.fixture
def configured(shop: Path, kanhe: FakeKanhe) -> Iterator[Any]:
    """`configured(fallback={…})` changes the setting `KANHE` for one test."""
    from django.conf import settings
    from django.test import override_settings

    from kanhe.connect.oscar import connection

    changed: list[Any] = []

    def change(**values: Any) -> None:
        one = override_settings(KANHE={**settings.KANHE, **values})
        one.enable()
        changed.append(one)
        connection.close()

    kanhe.begin()
    connection.close()
    yield change
    for one in reversed(changed):
        one.disable()
    connection.close()


@pytest.fixture
def buyer(configured: Any, gateway: str) -> Any:
    """Somebody with a browser of their own; called again, somebody else."""
    from tests.connect.oscar.shopping import Shopper

    return lambda **how: Shopper(gateway, **how)


def signed(
    secret: str, body: dict[str, Any], id: str = "msg_1", at_s: float | None = None
) -> dict[str, Any]:
    """A message as Standard Webhooks are sent: what Django's client posts."""
    import hashlib
    import hmac

    raw = json.dumps(body).encode()
    at = str(int(time.time() if at_s is None else at_s))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{id}.{at}.".encode() + raw, hashlib.sha256).digest()
    return {
        "data": raw, "content_type": "application/json",
        "headers": {
            "webhook-id": id, "webhook-timestamp": at,
            "webhook-signature": "v1," + base64.b64encode(mac).decode(),
        },
    }  # fmt: skip
