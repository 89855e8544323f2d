"""Pages of keys, webhooks and notifications: what is shown once, and that no tenant sees another's."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from markupsafe import escape
from sqlalchemy import insert, select

from kanhe.app.console import Services
from kanhe.stores.desk import letters, outgoing
from kanhe.stores.http.webhook_sender import Outcome
from tests.console.doors import SAME, Door, TestClient, come_in, console, person

ALL = ("settings.read", "keys.manage", "webhooks.manage")
URL = "https://hooks.shop.example/in"
EVIL = '"><script>alert(1)</script>'


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A console with people of two tenants and of the platform."""
    door = Door(
        ana=person("Ana", *ALL, tenant="shop"),
        eve=person("Eve", *ALL, tenant="other"),
        pat=person("Pat", *ALL),
        aud=person("Aud", "settings.read", tenant="shop"),
        cas=person("Cas", "queue.read", tenant="shop"),
        old=msgspec.structs.replace(
            stale := person("Ana", *ALL, tenant="shop"),
            actor=msgspec.structs.replace(stale.actor, session="stale"),
        ),
        li=person("李", *ALL, tenant="shop", language="zh_CN"),
    )
    with console(tmp_path, door) as client:
        yield client


def services(client: TestClient) -> Services:
    """What the pages work with."""
    found: Services = client.app.state.services  # type: ignore[attr-defined]  # Starlette's own
    return found


def post(client: TestClient, who: str, path: str, **fields: object) -> tuple[int, str, str]:
    """Send a form as somebody; gives status, text, and where it leads."""
    answer = client.post(path, data={**come_in(client, who), **fields}, headers=SAME)
    return answer.status_code, answer.text, answer.headers.get("location", "")


def see(client: TestClient, who: str, path: str) -> tuple[int, str]:
    """Look at a page as somebody."""
    come_in(client, who)
    answer = client.get(path)
    return answer.status_code, answer.text


def make_webhook(client: TestClient, who: str = "ana", **more: object) -> tuple[str, str]:
    """Make one; gives its id and its secret."""
    status, text, _ = post(
        client, who, "/settings/webhooks", **{"url": URL, "topic": ["case.opened"], **more}
    )
    assert status == 200, text
    id, secret = re.search(r"/settings/webhooks/(wh-\w+)", text), re.search(r"whsec_[^<\"]+", text)
    assert id and secret
    return id[1], html.unescape(secret[0])


def test_a_key_is_shown_once_and_works(client: TestClient) -> None:
    """The token stands in the answer that made it, and on no page afterwards."""
    status, text, _ = post(
        client, "ana", "/settings/keys", name="till " + EVIL, scope=["decide", "read"], rate="50", days="30"
    )  # fmt: skip
    assert status == 200 and EVIL not in text
    token = re.search(r"kanhe_[a-z2-7]{16}_[a-z2-7]{52}", text)
    assert token
    holder = services(client).outgoing.keys._keys.authenticate(token[0])
    assert holder is not None
    assert (holder.tenant, sorted(holder.scopes), holder.rate_per_s) == (
        "shop", ["decide", "read"], 50.0,
    )  # fmt: skip
    _, listed = see(client, "ana", "/settings/keys")
    assert token[0] not in listed and f"kanhe_{holder.id}_" in listed and EVIL not in listed
    assert post(client, "ana", f"/settings/keys/{holder.id}/revoke")[0] == 303
    assert services(client).outgoing.keys._keys.authenticate(token[0]) is None
    assert "Revoked" in see(client, "ana", "/settings/keys")[1]
    with services(client).desk.reading() as connection:
        told = [event.body for event in outgoing.waiting(connection, 10)]
    assert len(told) == 2 and not any(token[0][-52:].encode() in body for body in told)


@pytest.mark.parametrize("scope", ["evidence", "lists"])
def test_a_key_gives_nobody_more_than_they_have(client: TestClient, scope: str) -> None:
    """Who may not unmask or change lists cannot make a key that does."""
    status, text, _ = post(client, "ana", "/settings/keys", name="till", scope=["read", scope])
    assert (status, "is made by somebody who may do it" in text) == (422, True)
    assert services(client).outgoing.keys._keys.list() == []


BAD_KEYS: tuple[tuple[dict[str, object], str], ...] = (
    ({"name": ""}, "wrong-name"),
    ({"name": "x" * 129}, "wrong-name"),
    ({"scope": []}, "wrong-scopes"),
    ({"scope": ["policy:approve"]}, "wrong-scopes"),
    ({"scope": ["desk"]}, "wrong-scopes"),
    ({"rate": "fast"}, "wrong-rate"),
    ({"rate": "9" * 30}, "wrong-rate"),
    ({"rate": "1e400"}, "wrong-rate"),
    ({"rate": "-1"}, "wrong-rate"),
)


def test_a_key_that_cannot_be_is_refused(client: TestClient) -> None:
    """The form comes back with what was wrong where, and nothing is made."""
    for fields, said in BAD_KEYS:
        whole = {"name": "till", "scope": ["decide"], **fields}
        status, text, _ = post(client, "ana", "/settings/keys", **whole)
        assert status == 422 and f'id="{said}"' in text, fields
    assert services(client).outgoing.keys._keys.list() == []


def test_keys_of_others_are_not_there(client: TestClient) -> None:
    """Whoever names another tenant's key hears that there is none; a tenant cannot be chosen by a tenant."""
    post(client, "ana", "/settings/keys", name="till", scope=["read"], tenant="other")
    (key,) = services(client).outgoing.keys._keys.list()
    assert key.tenant == "shop"
    assert "till" not in see(client, "eve", "/settings/keys")[1]
    assert post(client, "eve", f"/settings/keys/{key.id}/revoke")[0] == 404
    assert post(client, "ana", "/settings/keys/nowhere/revoke")[0] == 404
    assert "till" in see(client, "pat", "/settings/keys")[1]
    status, text, _ = post(
        client, "pat", "/settings/keys", name="k", scope=["read"], tenant="platform"
    )
    assert status == 422 and 'id="wrong-tenant"' in text


def test_a_webhook_is_made_changed_and_removed(client: TestClient) -> None:
    """The secret is shown once; everything else stands on its page."""
    id, secret = make_webhook(client, note=EVIL)
    status, text = see(client, "ana", f"/settings/webhooks/{id}")
    assert status == 200 and secret not in text and EVIL not in text and URL in text
    assert (
        post(client, "ana", f"/settings/webhooks/{id}", url=URL + "2", topic=["case.resolved"])[0]
        == 303
    )
    assert URL + "2" in see(client, "ana", "/settings/webhooks")[1]
    _, again, _ = post(client, "ana", f"/settings/webhooks/{id}/secret")
    assert "whsec_" in again and secret not in again
    for what in ("off", "on"):
        assert post(client, "ana", f"/settings/webhooks/{id}/{what}")[0] == 303
    assert post(client, "ana", f"/settings/webhooks/{id}/fly")[0] == 404
    assert post(client, "ana", f"/settings/webhooks/{id}/remove")[2] == "/settings/webhooks"
    assert see(client, "ana", f"/settings/webhooks/{id}")[0] == 404


BAD_WEBHOOKS: tuple[tuple[dict[str, object], str], ...] = (
    ({"url": "http://hooks.shop.example/"}, "wrong-url"),
    ({"url": "https://127.0.0.1/"}, "wrong-url"),
    ({"url": "https://" + "a" * 3_000}, "wrong-url"),
    ({"url": "javascript:alert(1)"}, "wrong-url"),
    ({"topic": []}, "wrong-topics"),
    ({"topic": ["all"]}, "wrong-topics"),
    ({"note": "x" * 201}, "wrong-note"),
)


def test_a_webhook_that_cannot_be_is_refused(client: TestClient) -> None:
    """The form comes back with what was wrong where, when it is made and when it is changed."""
    id, _ = make_webhook(client)
    for fields, said in BAD_WEBHOOKS:
        whole = {"url": URL, "topic": ["case.opened"], "note": "", **fields}
        for path in ("/settings/webhooks", f"/settings/webhooks/{id}"):
            status, text, _ = post(client, "ana", path, **whole)
            assert status == 422 and f'id="{said}"' in text, fields
    assert len(services(client).outgoing.webhooks.all(person("Ana", tenant="shop").actor)) == 1


def test_messages_can_be_looked_at_and_sent_again(client: TestClient) -> None:
    """A test message goes out; its attempt stands on its page with the answer, as text."""
    id, _ = make_webhook(client)
    out = services(client).outgoing
    out.webhook_delivery._send = lambda *a: Outcome(500, 12, EVIL.encode() + b"\xff")
    status, _, message = post(client, "ana", f"/settings/webhooks/{id}/test")
    assert status == 303 and message.startswith(f"/settings/webhooks/{id}/messages/")
    assert "Not tried yet" in see(client, "ana", message)[1]
    out.webhook_delivery.step()
    status, text = see(client, "ana", message)
    assert status == 200 and "500" in text and EVIL not in text and str(escape(EVIL)) in text
    assert post(client, "ana", message)[0] == 303
    assert post(client, "ana", f"/settings/webhooks/{id}/replay", span="week")[0] == 303
    for query in (
        "?state=waiting",
        "?state=nonsense",
        "?before=x",
        "?before=" + "9" * 40,
        "?before=1",
    ):
        assert see(client, "ana", f"/settings/webhooks/{id}{query}")[0] == 200
    assert see(client, "eve", message)[0] == 404
    assert post(client, "eve", message)[0] == 404
    own, _ = make_webhook(client, "eve")
    number = message.rpartition("/")[2]
    assert see(client, "eve", f"/settings/webhooks/{own}/messages/{number}")[0] == 404
    for what in ("test", "on", "off", "remove", "secret", "replay", ""):
        path = f"/settings/webhooks/{id}" + (f"/{what}" if what else "")
        assert post(client, "eve", path, url=URL, topic=["case.opened"])[0] == 404, what
    assert see(client, "ana", f"/settings/webhooks/{id}")[0] == 200
    assert see(client, "ana", f"/settings/webhooks/{id}/messages/{'9' * 30}")[0] == 404


def test_whoever_only_looks_changes_nothing(client: TestClient) -> None:
    """An auditor sees all of it without a button; whoever has no right sees none of it."""
    id, _ = make_webhook(client)
    for path in ("/settings/keys", "/settings/webhooks", f"/settings/webhooks/{id}", "/settings/undelivered"):  # fmt: skip
        status, text = see(client, "aud", path)
        main = text.partition("<main")[2].partition("</main>")[0]
        assert status == 200 and 'method="post"' not in main
        assert see(client, "cas", path)[0] == 403
    for path in (
        "/settings/keys", "/settings/keys/x/revoke", "/settings/webhooks", f"/settings/webhooks/{id}",
        f"/settings/webhooks/{id}/test", f"/settings/webhooks/{id}/secret", "/settings/undelivered/1",
    ):  # fmt: skip
        assert post(client, "aud", path)[0] == 403
    assert see(client, "aud", "/settings/keys/new")[0] == 403


def test_secrets_ask_for_a_fresh_second_factor(client: TestClient) -> None:
    """Whoever has not shown one lately is led to show it, and nothing is made."""
    id, _ = make_webhook(client)
    for path in ("/settings/keys", "/settings/webhooks", f"/settings/webhooks/{id}/secret"):
        status, _, there = post(
            client, "old", path, name="till", scope=["read"], url=URL, topic=["case.opened"]
        )
        assert status == 303 and there.startswith("/confirm?next=%2Fsettings")
    for path in ("/settings/keys/new", "/settings/webhooks/new"):
        assert see(client, "old", path)[0] == 303
    assert services(client).outgoing.keys._keys.list() == []


def test_what_was_refused_is_shown_to_its_tenant_alone(client: TestClient) -> None:
    """And can be sent again by it alone."""
    with services(client).desk.writing() as connection:
        for tenant in ("shop", "other"):
            connection.execute(
                insert(outgoing.EVENTS).values(
                    tenant=tenant, event_id=f"ev-{tenant}", body=b"{}", created_ms=1, sent_ms=2,
                    problem=f"{EVIL} {tenant}",
                )
            )  # fmt: skip
    _, text = see(client, "ana", "/settings/undelivered")
    assert "ev-shop" in text and "ev-other" not in text and EVIL not in text
    assert post(client, "eve", "/settings/undelivered/1")[0] == 404
    assert post(client, "ana", "/settings/undelivered/1")[0] == 303
    for number in ("1", "0", "9" * 30):
        assert post(client, "ana", f"/settings/undelivered/{number}")[0] == 404
    assert "ev-shop" not in see(client, "ana", "/settings/undelivered")[1]


def test_everybody_chooses_their_own_mail(client: TestClient) -> None:
    """One's own choice is kept, and another's is not touched."""

    def chosen(who: str) -> int:
        return len(re.findall(r'name="topic"[^>]* checked>', see(client, who, page)[1]))

    page = "/settings/notifications"
    assert chosen("cas") == 3
    assert post(client, "cas", "/settings/notifications", topic=["case.assigned", "x"])[0] == 303
    assert (chosen("cas"), chosen("ana")) == (1, 3)


def test_pages_speak_chinese(client: TestClient) -> None:
    """To whoever reads it."""
    id, _ = make_webhook(client)
    for path, said in (
        ("/settings/keys", "API 密钥"), ("/settings/keys/new", "新建密钥"),
        ("/settings/webhooks", "已启用"), (f"/settings/webhooks/{id}", "案件结案"),
        ("/settings/notifications", "案件被分派"), ("/settings/undelivered", "没有被拒收的事件"),
    ):  # fmt: skip
        assert said in see(client, "li", path)[1]
    status, text, _ = post(client, "li", "/settings/webhooks", url="http://x", topic=[])
    assert status == 422 and "地址须以 https:// 开头" in text


def test_an_invitation_is_mailed_where_mail_is_sent(client: TestClient) -> None:
    """Only then, and the link is nowhere in the store."""
    out = services(client).outgoing
    link = "http://localhost:8081/first/the-token"
    assert not out.mail_invitation("st-1", link)
    out.mailing._send = lambda letter: None
    assert out.mail_invitation("st-1", link)
    with services(client).desk.reading() as connection:
        (payload,) = connection.execute(select(letters.LETTERS.c.payload)).scalars()
    assert b"the-token" not in payload
