"""A buyer's passkey in a real browser: what the API says goes into it, and what comes out is accepted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from playwright.sync_api import Browser

from tests.step_up.building import PAYMENT
from tests.step_up.serving import serving

VOUCHED = {"statement": "a code sent to the address on file"}
_MAKE = """async (options) => (await navigator.credentials.create({
  publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})).toJSON()"""
_SHOW = """async (options) => (await navigator.credentials.get({
  publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})).toJSON()"""


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def page_of_a_shop() -> Iterator[str]:
    """An empty page of a shop; browsers make passkeys at localhost without TLS."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<!doctype html><title>Shop</title>"]

    with make_server("localhost", 0, app, handler_class=_Silent) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join(10)


def test_a_browser_makes_and_shows_a_passkey(
    chromium: Browser, page_of_a_shop: str, tmp_path: Path
) -> None:
    """From the first factor to the redeemed payment, with Chromium's own authenticator."""
    shops = tmp_path / "shops.toml"
    shops.write_text(f'[shop]\nname = "Shop Seven"\norigins = ["{page_of_a_shop}"]\n')
    with (
        serving(tmp_path / "house", step_up_shops=str(shops)) as served,
        served.client() as client,
        chromium.new_context() as context,
    ):
        page = context.new_page()
        page.goto(page_of_a_shop)
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
        }})  # fmt: skip
        made = client.post(
            "/v1/buyers/u-1/factors", json={"kind": "passkey", "name": "mei", "requires": VOUCHED}
        ).json()
        key = page.evaluate(_MAKE, made["passkey"])
        path = f"/v1/buyers/u-1/factors/{made['factor_id']}:confirm"
        confirmed = client.post(path, json={"passkey": key})
        assert confirmed.status_code == 200, confirmed.text
        asked = client.post("/v1/step-ups", json={"user": "u-1", **PAYMENT}).json()
        assert asked["methods"] == ["passkey"]
        path = f"/v1/step-ups/{asked['step_up_id']}"
        shown = page.evaluate(_SHOW, asked["passkey"])
        passed = client.post(f"{path}:confirm", json={**PAYMENT, "passkey": shown}).json()
        assert passed["outcome"] == "passed", passed
        said = {**PAYMENT, "user": "u-1", "confirmation": passed["confirmation"]}
        assert client.post(f"{path}:redeem", json=said).json()["redeemed"] is True
