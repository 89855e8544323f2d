"""Pages over the index: whose they are, what they mask, and what hostile values do to them: nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select

from kanhe.core.decision import decision_id
from kanhe.record.log import verify
from kanhe.serve.console import naming
from kanhe.stores.desk import outgoing
from tests.console.doors import SAME, TestClient, come_in, console
from tests.console.shops import CARD, EVIL, MAIL, Desk, desk, shop

MINE, THEIRS = decision_id(31), decision_id(32)
PAGES = ("/live", "/wall", "/analytics", "/audit", "/search?q=u", f"/decisions/{MINE}",
         "/entities/user/u1", "/entities/merchant/m-7")  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shop(tmp_path_factory.mktemp("shop")).data_dir)


@pytest.fixture(scope="module")
def opened(folder: Path) -> Iterator[tuple[TestClient, Desk]]:
    door = desk()
    with console(folder, door) as client:
        yield client, door


@pytest.fixture
def door(opened: tuple[TestClient, Desk]) -> Desk:
    opened[1].clear.clear()
    opened[1].reasons.clear()
    return opened[1]


@pytest.fixture
def client(opened: tuple[TestClient, Desk], door: Desk) -> TestClient:
    come_in(opened[0], "lin")
    return opened[0]


def _services(client: TestClient) -> object:
    return client.app.state.services  # type: ignore[attr-defined]  # of Starlette


def _path(client: TestClient, kind: str, value: str) -> str:
    return naming.path_of(_services(client), kind, value)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("who", ["lin", "mei"])
def test_every_page_is_shown(client: TestClient, path: str, who: str) -> None:
    """Each page answers people of the platform and of a tenant, in both languages."""
    come_in(client, who)
    for language, lang in (("en-GB", "en"), ("zh-CN", "zh-CN")):
        answer = client.get(path, headers={"accept-language": language})
        assert answer.status_code == 200
        assert f'<html lang="{lang}"' in answer.text


@pytest.mark.parametrize(
    "path", ["/live", "/wall", "/analytics", "/audit", "/search?q=u", "/entities/user/u1"]
)
def test_pages_say_that_there_is_nothing_yet(tmp_path: Path, path: str) -> None:
    """Before anything was judged, every page is there and says so, or that there is no such thing."""
    with console(tmp_path, desk()) as client:
        come_in(client, "lin")
        answer = client.get(path)
        assert answer.status_code == 200
        assert "<h1" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/entities/user/secret-user", "/entities/card/secret-card",
        "/entities/user/secret-user/graph.json", f"/decisions/{THEIRS}",
        f"/decisions/{THEIRS}/receipt", "/entities/user/secret-user?tenant=other",
    ],
)  # fmt: skip
def test_what_is_another_tenants_is_not_there(client: TestClient, path: str) -> None:
    """Whoever belongs to one tenant is told of another's things what strangers are told: 404."""
    come_in(client, "mei")
    asked = client.get(path)
    assert asked.status_code in (303, 404)
    if asked.status_code == 303:
        assert client.get(asked.headers["location"]).status_code == 404
    come_in(client, "otto")
    found = client.get(path)
    assert found.status_code in (200, 303)


@pytest.mark.parametrize("path", ["/search?q=secret", "/audit", "/audit/export.csv", "/live",
                                  "/analytics", "/search?q=theirs", "/search?q=user:secret-user"])  # fmt: skip
def test_lists_hold_nothing_of_another_tenant(client: TestClient, path: str) -> None:
    """Searches, audits and figures of one tenant name nobody of another one."""
    come_in(client, "mei")
    asked = path.partition("q=")[2]
    # What was typed stands in the box, and nowhere else.
    text = client.get(path).text.partition("<main")[2].replace(f'value="{asked}"', "")
    for word in ("secret-user", "secret-card", "st-foreign", THEIRS):
        assert word not in text


def test_live_figures_are_of_the_own_tenant(client: TestClient) -> None:
    """Counts are those of the tenant of whoever looks."""
    come_in(client, "otto")
    analytics = client.get("/analytics/export.csv?days=365").text
    rows = list(csv.DictReader(io.StringIO(analytics.removeprefix("\ufeff"))))
    assert sum(int(row["events"]) for row in rows) == 2


def test_personal_data_is_masked_and_no_address_holds_it(client: TestClient) -> None:
    """Neither the page of a person's card nor the pages that lead there hold the number or the mail."""
    pages = [f"/decisions/{MINE}", "/entities/user/u-mei", _path(client, "card", CARD),
             _path(client, "email", MAIL), f"/search?q={quote(MAIL)}"]  # fmt: skip
    for path in pages:
        answer = client.get(path)
        assert answer.status_code == 200, path
        shown = answer.text.replace(f'value="{MAIL}"', "").replace(f"<title>Search: {MAIL}", "")
        shown = shown.replace(f'value="/search?q={quote(MAIL)}"', "").replace(quote(MAIL), "")
        assert MAIL not in shown
        assert CARD not in shown
        assert "13800138000" not in shown
    assert "m•••@example.com" in client.get(f"/decisions/{MINE}").text


def test_a_typed_value_leads_to_an_address_that_tells_nothing(client: TestClient) -> None:
    """Whoever types a card into the address is led to the address by which it may be kept."""
    answer = client.get(f"/entities/card/{CARD}")
    assert answer.status_code == 303
    assert CARD not in answer.headers["location"]
    assert client.get(answer.headers["location"]).status_code == 200


def test_clear_is_asked_for_with_a_reason(client: TestClient, door: Desk) -> None:
    """With a reason, the page shows what it masked, to that person and on that page alone."""
    csrf = come_in(client, "lin")
    path = f"/decisions/{MINE}"
    sent = client.post(f"{path}/reveal", data=csrf | {"reason": "the buyer calls"}, headers=SAME)
    assert sent.status_code == 303
    assert door.reasons[0][1:] == (
        "the buyer calls", {"tenant": "shop", "ticket": "", "subject_event": "mine"}
    )  # fmt: skip
    assert MAIL in client.get(path).text
    assert MAIL not in client.get("/entities/user/u-mei").text
    come_in(client, "mei")
    assert MAIL not in client.get(path).text
    # A subject that somebody names by themselves shows nothing: pages know them by another name.
    door.clear.add(("mei", f"decision:{MINE}"))
    assert MAIL not in client.get(path).text


def test_clear_of_an_entity_is_recorded_with_the_entity(client: TestClient, door: Desk) -> None:
    """What is recorded names whom it is about, and does not take them for the one who asks."""
    csrf = come_in(client, "lin")
    path = _path(client, "email", MAIL)
    assert client.post(f"{path}/reveal", data=csrf | {"reason": "check"}, headers=SAME).is_redirect
    assert door.reasons[-1][2]["email"] == MAIL
    assert MAIL in client.get(path).text
    path = _path(client, "ip", "203.0.113.7")
    client.post(f"{path}/reveal", data=csrf | {"reason": "check"}, headers=SAME)
    assert door.reasons[-1][2]["value"] == "203.0.113.7"
    assert "ip" not in door.reasons[-1][2]


@pytest.mark.parametrize("kind", ["user", "device", "order"])
def test_markup_in_values_stays_text(client: TestClient, kind: str) -> None:
    """Whatever an event's texts hold, no page has it as markup."""
    pages = [_path(client, kind, EVIL), f"{_path(client, kind, EVIL)}/graph.json",
             f"/decisions/{decision_id(33)}", "/audit", f"/search?q={quote(EVIL)}",
             f"/decisions/{decision_id(35)}", f"/decisions/{decision_id(37)}"]  # fmt: skip
    for path in pages:
        answer = client.get(path)
        assert answer.status_code == 200, path
        if answer.headers["content-type"].startswith("text/html"):
            for piece in ("<script>alert", "<img src=x", "onerror=alert(2)>"):
                assert piece not in answer.text, path


@pytest.mark.parametrize(
    "value",
    ["a/b", "..", "../../etc/passwd", "%00", "\x00", "a\x00b", "x" * 257, "x" * 5000, "%2e%2e%2f",
     "名前", "\u202eabc", "a b", "~", "~~~", "~" + "A" * 3000, "~YWJj", "graph.json", "reveal",
     "a?b", "a#b", "%ff%fe", "\U0001f600", "a%2Fb", ";", "'; DROP TABLE names; --"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["user", "card", "nonsense", "%2e", "subject_event"])
def test_hostile_values_in_addresses_are_not_found(
    client: TestClient, kind: str, value: str
) -> None:
    """Whatever stands in an address, the answer is 404, or leads to an address that answers 404."""
    for text in (quote(value, safe=""), quote(value, safe="/%")):
        answer = client.get(f"/entities/{kind}/{text}")
        for _ in range(2):
            if answer.status_code == 303:
                answer = client.get(answer.headers["location"])
        # A path that ends the segment early is a page of its own, or none.
        assert answer.status_code in (404, 405), (kind, value)
        if text != "..":  # that one is resolved by the client itself
            assert client.get(f"/decisions/{text}").status_code == 404


def test_values_with_odd_letters_are_found(client: TestClient, folder: Path) -> None:
    """A value that no address can hold as it is has a page all the same."""
    assert client.get(_path(client, "user", EVIL)).status_code == 200


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", "before=9" * 30, "type=nothing", "outcome=%00", "tenant=%00",
              "tenant=nobody", "before=1&type=payment.attempted&outcome=deny"],
)  # fmt: skip
def test_hostile_filters_do_no_harm(client: TestClient, query: str) -> None:
    """A filter that means nothing filters nothing, or everything."""
    answer = client.get(f"/entities/user/u1?{query}")
    assert answer.status_code == (404 if query.startswith("tenant=") else 200)
    for path in ("/analytics", "/audit"):
        assert client.get(f"{path}?{query}&from=x&to=9999-99-99&days=-1&who=%00").status_code == 200
    assert client.get("/analytics?from=0001-01-01&to=9999-12-31").status_code == 200
    assert client.get("/audit?about=" + quote("user:\x00")).status_code == 200


def test_a_receipt_is_downloaded_and_holds(client: TestClient) -> None:
    """The receipt of a decision is what its verifier accepts, under the key that the page shows."""
    answer = client.get(f"/decisions/{MINE}/receipt")
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{MINE}')
    text = client.get(f"/decisions/{MINE}").text
    key = text.partition("--key &#39;")[2].partition("&#39;")[0]
    known = verify.read_key(key.replace("&#43;", "+"), verify.LOG_KEY)
    found = verify.verify(answer.content, known.name, [known], [], 0)
    assert json.loads(found.entry)["outcome"] == "allow"
    assert MAIL.encode() not in answer.content


def test_the_event_is_opened_only_for_who_sees_it_in_clear(client: TestClient) -> None:
    """A receipt that opens the event's own words is given to those who gave a reason."""
    csrf = come_in(client, "lin")
    plain = client.get(f"/decisions/{MINE}/receipt?event=1").content
    client.post(f"/decisions/{MINE}/reveal", data=csrf | {"reason": "court order"}, headers=SAME)
    opened = client.get(f"/decisions/{MINE}/receipt?event=1").content
    assert len(opened) > len(plain)


def test_labels_and_acts_are_shown_where_they_belong(client: TestClient) -> None:
    """A decision shows what it turned out to be; the audit shows who unmasked whom, and why."""
    assert "Fraud" in client.get(f"/decisions/{MINE}").text
    text = client.get("/audit?act=unmasked").text
    assert "called in, asked for help" in text
    assert "viewed" not in text.partition("<tbody>")[2].partition("</tbody>")[0]
    assert "o-1" in client.get("/audit?about=order:o-1").text
    assert "Write what it is about" in client.get("/audit?about=nonsense").text


def test_search_answers_the_palette(client: TestClient) -> None:
    """The palette gets titles, kinds and addresses; whoever may not see a kind is not told of it."""
    asked = {"accept": "application/json"}
    found = client.get("/search?q=u1", headers=asked).json()["results"]
    assert {"title", "href", "kind"} == set(found[0])
    assert any(one["href"].startswith("/entities/user/u1") for one in found)
    assert client.get(f"/search?q={MINE}", headers=asked).json()["results"][0]["href"] == (
        f"/decisions/{MINE}"
    )
    assert client.get("/search?q=mine", headers=asked).json()["results"][0]["title"].endswith(MINE)
    come_in(client, "kai")
    assert client.get(f"/search?q={MINE}", headers=asked).json()["results"] == []
    assert client.get("/search?q=u1", headers=asked).json()["results"]


def test_what_is_masked_is_not_found_by_how_it_begins(client: TestClient) -> None:
    """A mail address is found by all of it, and cannot be spelled out letter by letter."""
    asked = {"accept": "application/json"}
    assert client.get(f"/search?q={MAIL[:6]}", headers=asked).json()["results"] == []
    assert client.get(f"/search?q=email:{MAIL[:6]}", headers=asked).json()["results"] == []
    assert client.get(f"/search?q={quote(MAIL)}", headers=asked).json()["results"]


def test_what_is_taken_out_is_recorded_and_harmless(client: TestClient) -> None:
    """An export is an act of whoever made it, and no cell of it is a formula."""
    text = client.get("/audit/export.csv").text.removeprefix("\ufeff")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][:3] == ["time_utc", "tenant", "who"]
    assert not any(cell[:1] in ("=", "+", "-", "@") for row in rows for cell in row)
    with _services(client).desk.reading() as connection:  # type: ignore[attr-defined]  # services
        bodies = connection.execute(select(outgoing.EVENTS.c.body)).scalars().all()
    told = [json.loads(body) for body in bodies]
    assert any(one["staff_action"] == "exported" and one["note"] == "audit" for one in told)
