"""What is told beside payments and logins, after it is durable and never because of it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.connect.oscar.conftest import DESK, NOTICES, signed
from tests.connect.oscar.fake_kanhe import FakeKanhe
from tests.connect.oscar.test_holding import resolved, tell


def bought(buyer: Any, **how: Any) -> Any:
    """Somebody who has bought something."""
    ada = buyer(account=True, **how)
    ada.put()
    ada.to_payment()
    ada.pay()
    return ada


def test_baskets_are_told_with_what_was_done(buyer: Any, kanhe: FakeKanhe) -> None:
    """Added, changed, taken out; a voucher that is none is told as refused, a good one as tried."""
    ada = buyer()
    ada.put(quantity=2)
    line = ada.basket().lines.get()
    form = {
        "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-MAX_NUM_FORMS": "1000",
        "form-0-id": str(line.pk), "form-0-quantity": "3",
    }  # fmt: skip
    ada.browser.post("/basket/", form)
    for code in ("NO-SUCH", "SPRING10"):
        ada.browser.post("/basket/vouchers/add/", {"code": code})
    ada.browser.post("/basket/", form | {"form-0-DELETE": "on"})
    told = [(one["cart_action"], one.get("coupon")) for one in kanhe.of("cart.changed")]
    assert told == [
        ("added", None), ("quantity_changed", None), ("coupon_refused", "NO-SUCH"),
        ("coupon_tried", "SPRING10"), ("removed", None),
    ]  # fmt: skip


def test_what_is_rolled_back_is_never_told(buyer: Any, kanhe: FakeKanhe) -> None:
    """Events leave after the commit; without one they do not."""
    from django.db import transaction
    from oscar.apps.order.signals import order_placed

    ada = bought(buyer)
    before = len(kanhe.of("order.placed"))
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        order_placed.send(sender=None, order=ada.order(), user=ada.user)
        _ = 1 / 0
    assert len(kanhe.of("order.placed")) == before


def test_an_order_from_elsewhere_is_judged_and_held_too(buyer: Any, kanhe: FakeKanhe) -> None:
    """One that no gated view placed has no visit; it can be held and released all the same."""
    from django.db import transaction
    from oscar.apps.order.models import Order
    from oscar.apps.order.signals import order_placed

    kanhe.outcomes["order.placed"] = "review"
    order = Order.objects.create(
        number="by-phone-1", currency="EUR", total_incl_tax=Decimal(30), total_excl_tax=Decimal(30),
        status="Pending", guest_email="caller@example.com",
    )  # fmt: skip
    with transaction.atomic():
        order_placed.send(sender=None, order=order, user=None)
        assert kanhe.of("order.placed") == []
    order.refresh_from_db()
    assert order.status == "Held for review"
    assert "device" not in kanhe.of("order.placed")[0]
    tell(buyer().browser, resolved("legitimate", "order-by-phone-1"))
    order.refresh_from_db()
    assert order.status == "Pending"


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("allow", "APPROVED"), ("review", "FOR_MODERATION"), ("deny", "REJECTED")],
)
def test_reviews_are_judged_before_others_read_them(
    buyer: Any, kanhe: FakeKanhe, outcome: str, status: str
) -> None:
    """A doubtful one waits for a person; a denied one stays hidden."""
    from oscar.apps.catalogue.models import Product
    from oscar.apps.catalogue.reviews.models import ProductReview

    kanhe.outcomes["review.posted"] = outcome
    ada = bought(buyer)
    product = Product.objects.get(upc="HS-101")
    form = {"title": "Fine", "score": "5", "body": "See www.example.com for more"}
    ada.browser.post(f"/catalogue/{product.slug}_{product.pk}/reviews/add/", form)
    review = ProductReview.objects.get(user=ada.user)
    assert review.status == getattr(ProductReview, status)
    (event,) = kanhe.of("review.posted")
    assert (event["rating"], event["has_link"], event["is_verified_purchase"]) == (5, True, True)


def test_refunds_are_paid_held_and_released(buyer: Any, kanhe: FakeKanhe, gateway: str) -> None:
    """Allowed, the money goes back at once; in doubt it waits for the desk, and goes back once."""
    import httpx

    def refunded(number: str) -> int:
        key = {"authorization": "Bearer sk_test"}
        found = httpx.get(f"{gateway}/v1/orders/{number}", headers=key).json()["payments"]
        return int(found[0]["refunded_minor"])

    ada = bought(buyer)
    ask = {"reason": "damaged", "note": "broken"}
    ada.browser.post(f"/accounts/orders/{ada.order().number}/refund/", ask)
    assert refunded(ada.order().number) == 3290
    kanhe.outcomes["refund.requested"] = "review"
    bob = bought(buyer)
    number = bob.order().number
    bob.browser.post(f"/accounts/orders/{number}/refund/", ask)
    assert refunded(number) == 0
    assert bob.order().refund_requests.get().state == "held"
    event = kanhe.of("refund.requested")[-1]
    assert (event["refund_reason"], event["amount_minor"], event["is_partial"]) == (
        "damaged",
        3290,
        False,
    )
    for _ in range(2):
        assert tell(bob.browser, resolved("legitimate", event["id"])) == 204
    assert refunded(number) == 3290
    assert bob.order().sources.get().amount_refunded == Decimal("32.90")
    eve = buyer(account=True)
    assert eve.browser.post(f"/accounts/orders/{number}/refund/", ask).status_code == 404


def test_a_cancelled_order_is_told_and_paid_back(buyer: Any, kanhe: FakeKanhe) -> None:
    """Once, however often it is asked for."""
    ada = bought(buyer)
    path = f"/accounts/orders/{ada.order().number}/cancel/"
    for _ in range(2):
        ada.browser.post(path)
    assert ada.order().status == "Cancelled"
    assert [one["cancelled_by"] for one in kanhe.of("order.cancelled")] == ["buyer"]
    assert ada.order().refund_requests.get().state == "paid"


def test_a_chargeback_is_told_as_the_truth_about_its_payment(buyer: Any, kanhe: FakeKanhe) -> None:
    """The gateway's notice names the payment that was judged; a second delivery tells nothing new."""
    ada = bought(buyer)
    order = ada.order()
    notice = {
        "type": "payment.disputed", "dispute": "dp_1", "payment": "pay_1", "order": order.number,
        "amount_minor": 3290, "currency": "EUR", "reason": "fraud", "at_ms": 1_767_225_600_000,
    }  # fmt: skip
    assert ada.browser.post("/gateway/notices/", **signed(DESK, notice)).status_code == 401
    for _ in range(2):
        answer = ada.browser.post("/gateway/notices/", **signed(NOTICES, notice))
        assert answer.status_code == 204
    told = kanhe.of("chargeback.received")
    assert {one["id"] for one in told} == {"chargeback-dp_1"}
    assert told[0]["subject_event"] == kanhe.of("payment.attempted")[-1]["id"]
    assert told[0]["subject_at_ms"] > 0
    assert order.notes.filter(message__startswith="Chargeback").count() == 1


def test_only_trusted_proxies_are_believed(shop: Path) -> None:
    """Whoever is not one cannot say from where they come."""
    from django.test import RequestFactory

    from kanhe.connect.device import Devices
    from kanhe.connect.oscar.configuration import read
    from kanhe.connect.oscar.visit import visit_of

    chosen = read({
        "url": "http://x", "trusted_proxies": ["10.0.0.0/8"], "country_header": "CF-IPCountry",
    })  # fmt: skip
    said = {"HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9, 10.1.1.1", "HTTP_CF_IPCOUNTRY": "BR"}
    for remote, address, country in (
        ("10.2.2.2", "203.0.113.9", "BR"), ("198.51.100.1", "198.51.100.1", None),
    ):  # fmt: skip
        request = RequestFactory().get("/", REMOTE_ADDR=remote, **said)
        request.kanhe_device = Devices("k" * 32).see(request.headers.get, is_https=False)
        found = visit_of(request, chosen)
        assert (found.ip, found.ip_country) == (address, country)


def test_a_device_keeps_its_name_and_nobody_can_choose_one(buyer: Any, kanhe: FakeKanhe) -> None:
    """The cookie is signed: one that was made up is replaced."""
    ada = buyer()
    ada.put()
    ada.put()
    assert len({one["device"] for one in kanhe.of("cart.changed")}) == 1
    known = kanhe.events[0]["device"]
    ada.browser.cookies["kanhe-device"] = ada.browser.cookies["kanhe-device"].value[:-1]
    ada.put()
    last = kanhe.of("cart.changed")[-1]
    assert last["device"] != known
    assert last["is_altered_device"] is True


def test_how_a_form_was_filled_is_told_where_events_have_a_place_for_it(
    buyer: Any, kanhe: FakeKanhe
) -> None:
    """What the shop's own script says comes along; what a type does not know is left out."""
    from urllib.parse import urlencode

    from django.test import Client

    form = {
        "registration-email": "quick@example.com", "registration-password1": "a-long-and-honest-one",
        "registration-password2": "a-long-and-honest-one", "registration_submit": "1",
        "kanhe_signals": '{"v":1,"p":1,"s":0,"w":true,"f":420}',
    }  # fmt: skip
    plain = {"content_type": "application/x-www-form-urlencoded"}
    assert Client().post("/accounts/login/", urlencode(form), **plain).status_code == 302
    (event,) = kanhe.of("account.registered")
    assert (event["fill_ms"], event["pasted_fields"], event["is_automated"]) == (420, 1, True)
    ada = buyer()
    ada.browser.post("/accounts/login/", urlencode(form | {"kanhe_signals": "x" * 9_000}), **plain)


def test_amounts_are_in_minor_units_of_their_currency(shop: Path) -> None:
    """Two digits for most, none for some, three for a few (ISO 4217)."""
    from kanhe.connect.oscar.telling import minor

    assert minor(Decimal("19.99"), "EUR") == 1999
    assert minor(Decimal("1999.00"), "JPY") == 1999
    assert minor(Decimal("1.2345"), "KWD") == 1234


def test_a_setting_that_cannot_be_is_refused_with_the_nearest_name(shop: Path) -> None:
    """What is wrong is said at the start."""
    from django.core.exceptions import ImproperlyConfigured

    from kanhe.connect.oscar.configuration import read

    for setting, told in (
        ({"url": "http://x", "fallbacks": {}}, "did you mean 'fallback'"),
        ({"url": "http://x", "fallback": {"*": "maybe"}}, "one of allow, challenge, hold"),
        ({"url": "http://x", "trusted_proxies": ["10.0.0.0/40"]}, "trusted_proxies"),
        ({"url": "http://x", "webhook_secrets": "whsec_x"}, "a list"),
        ({"url": "http://x", "webhook_secrets": [""]}, "not set yet"),
        ({"url": "http://x", "webhook_secrets": ["whsec_"]}, "not set yet"),
        ({}, "says where Kanhe is"),
    ):
        with pytest.raises(ImproperlyConfigured, match=told):
            read(setting)


@given(
    st.emails()
    | st.sampled_from(['"a@b"@example.com', '"\x01"@example.com', "a@", "@b", "x" * 300]),
)
def test_what_a_form_accepts_is_taken_or_left_out(shop: Path, mail: str) -> None:
    """An address that Django takes and Kanhe does not is left out of an event, not the event itself."""
    from kanhe.client import events
    from kanhe.connect.oscar.telling import email_of
    from kanhe.judge.intake.reader import Reader
    from kanhe.judge.intake.registry import builtin

    event = events.AccountRegistered(user="u-1", email=email_of(mail))
    Reader(builtin()).read("shop", msgspec.json.encode(event), event.at_ms, frozenset())


def test_what_is_a_question_of_deployment_is_asked(configured: Any) -> None:
    """Two shops of one tenant need prefixes; without a secret nothing is ever released."""
    from kanhe.connect.oscar.checks import look_at_deployment

    configured(webhook_secrets=[])
    assert [one.id for one in look_at_deployment()] == ["kanhe.I001", "kanhe.W002"]


def test_an_empty_secret_signs_nothing(shop: Path) -> None:
    """It would be a key that everybody knows."""
    import base64
    import hashlib
    import hmac

    from kanhe.connect.oscar.webhook import is_signed

    mac = base64.b64encode(hmac.new(b"", b"m.1000.{}", hashlib.sha256).digest()).decode()
    for secret in ("", "whsec_", "not base64 at all"):
        assert not is_signed((secret,), "m", "1000", b"{}", f"v1,{mac}", 1000)


def test_a_factor_takes_more_than_a_session(buyer: Any, kanhe: FakeKanhe) -> None:
    """Whoever sits in somebody's session cannot add an app of their own, and may not guess for long."""
    ada = buyer(account=True)
    for _ in range(5):
        ada.browser.post("/kanhe/factors/add/", {"kind": "totp", "kanhe_password": "a-guess"})
    assert kanhe.enrolled == []
    assert "_auth_user_id" not in ada.browser.session
    ada.browser.force_login(ada.user)
    form = {"kind": "totp", "kanhe_password": "a-long-and-honest-one"}
    ada.browser.post("/kanhe/factors/add/", form)
    assert len(kanhe.enrolled) == 1
    assert "JBSWY3DP" in ada.browser.get("/kanhe/factors/").content.decode()


def test_what_would_silently_not_work_is_found_by_check(shop: Path) -> None:
    """An ungated backend, a missing middleware, a status without a way back."""
    from django.test import override_settings

    from kanhe.connect.oscar.checks import look

    assert look() == []
    with override_settings(
        MIDDLEWARE=[], OSCAR_ORDER_STATUS_PIPELINE={},
        AUTHENTICATION_BACKENDS=["oscar.apps.customer.auth_backends.EmailBackend"],
    ):  # fmt: skip
        assert {one.id for one in look()} == {
            "kanhe.E002",
            "kanhe.E004",
            "kanhe.E005",
            "kanhe.E006",
        }


def test_tables_follow_from_the_migrations(shop: Path) -> None:
    """What the models say and what the migrations make are the same."""
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.state import ProjectState
    from django.test import override_settings

    with override_settings(MIGRATION_MODULES={"shipping": "oscar.apps.shipping.migrations"}):
        loader = MigrationLoader(None)
        now = ProjectState.from_apps(apps)
        found = MigrationAutodetector(loader.project_state(), now).changes(graph=loader.graph)
    assert {"kanhe_oscar", "aftersales"}.isdisjoint(found), found


@pytest.mark.parametrize(
    "folder", ["src/kanhe/connect/oscar/locale", "examples/oscar_shop/shop/locale"]
)
def test_every_text_is_said_in_chinese(folder: str) -> None:
    """What templates and modules say is in the catalogue, and the catalogue is compiled."""
    import gettext
    import io
    import re

    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    root = Path(__file__).parents[3] / folder
    place = root / "zh_Hans" / "LC_MESSAGES"
    catalogue = read_po(io.BytesIO((place / "django.po").read_bytes()))
    known = {str(one.id) for one in catalogue if one.id and one.string}
    said: set[str] = set()
    for file in root.parent.rglob("*.html"):
        said |= set(re.findall(r'{% trans "([^"]+)"', file.read_text("utf-8")))
    for file in root.parent.rglob("*.py"):
        text = re.sub(r'"\s*\n\s*"', "", file.read_text("utf-8"))
        said |= set(re.findall(r'\b_\(\s*"((?:[^"\\]|\\.)+)"', text))
    assert said - known == set()
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    # Both are read back, so that no tool's order of bytes matters.
    old = gettext.GNUTranslations(io.BytesIO((place / "django.mo").read_bytes()))
    new = gettext.GNUTranslations(io.BytesIO(compiled.getvalue()))
    assert {k: v for k, v in old._catalog.items() if k} == {  # type: ignore[attr-defined]
        k: v
        for k, v in new._catalog.items()
        if k  # type: ignore[attr-defined]
    }
