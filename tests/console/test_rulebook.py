"""Rules, packs and drafts at the desk, without a process that judges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kanhe.app.console import Services
from kanhe.app.rulebook import DraftError, compare_packs
from kanhe.core.actor import Actor
from kanhe.judge.policy.pack import build_pack, load_pack, starter_path
from tests.console.doors import SAME, Door, TestClient, come_in, console, person

LIN = Actor(staff="lin-yue", name="Lin Yue")
WANG = Actor(staff="wang-wei", name="Wang Wei")
RULES = "rules/accounts.kanhe"


@pytest.fixture
def door() -> Door:
    every = ("rules.read", "rules.propose", "rules.approve", "lists.read", "lists.edit")
    return Door(
        lin=person("Lin Yue", *every),
        wang=person("Wang Wei", *every),
        reader=person("Chen Bo", "rules.read", "lists.read"),
        shop=person("Zhou Min", *every, tenant="north"),
    )


@pytest.fixture
def client(tmp_path: Path, door: Door) -> Iterator[TestClient]:
    with console(tmp_path, door) as client:
        yield client


@pytest.fixture
def services(client: TestClient) -> Services:
    found = client.app.state.services  # type: ignore[attr-defined]
    assert isinstance(found, Services)
    return found


def _begin(services: Services, title: str = "Slower stuffing") -> int:
    base = services.rulebook.packs.standing().in_force
    return services.rulebook.drafting.begin(LIN, base, title)


def test_rules_are_read_while_nobody_judges(client: TestClient) -> None:
    """The rules that decided last can be read, and the page says that the judging is not there."""
    come_in(client, "reader")
    shown = client.get("/rules?q=stuffing ip")
    assert "stuffing_ip_mass" in shown.text
    assert "takeover_country" not in shown.text
    assert "cannot be reached" in shown.text
    assert client.get("/rules?q=%00%ff&on=<script>&span=9y&sort=x").status_code == 200
    assert client.get("/rules?pack=sha256:00").status_code == 404
    one = client.get("/rules/rule/stuffing_ip")
    assert "ip_failed_users_10m &gt;= 5" in one.text
    assert "同一 IP 十分钟内" in one.text
    assert client.get("/rules/rule/nothing").status_code == 404
    assert client.get("/rules/packs/sha256:00").status_code == 503
    assert client.get("/lists").status_code == 503


def test_a_draft_holds_what_is_changed_only(services: Services) -> None:
    """A file written back as it was is no change; a removed one is; the base never changes."""
    drafting = services.rulebook.drafting
    number = _begin(services)
    opened = drafting.open(number)
    assert opened is not None
    text = opened.text(RULES)
    assert text is not None
    drafting.write(LIN, opened, RULES, text.replace("\n", "\r\n"))
    opened = drafting.open(number)
    assert opened is not None
    assert opened.draft.files == {}
    drafting.write(LIN, opened, RULES, text.replace("points=75", "points=80", 1))
    opened = drafting.open(number)
    assert opened is not None
    assert [file.path for file in opened.differences] == [RULES]
    assert (opened.differences[0].added, opened.differences[0].removed) == (1, 1)
    drafting.write(LIN, opened, RULES, None)
    opened = drafting.open(number)
    assert opened is not None
    assert opened.draft.files == {RULES: None}
    assert RULES not in opened.files
    assert RULES in opened.base.files


def test_only_its_author_changes_a_draft_and_only_as_it_is(services: Services) -> None:
    """Another person's change is refused, and so is one over a change that was not seen."""
    drafting = services.rulebook.drafting
    first = drafting.open(_begin(services))
    assert first is not None
    with pytest.raises(DraftError, match="only Lin Yue"):
        drafting.write(WANG, first, RULES, "x")
    with pytest.raises(DraftError, match="only Lin Yue"):
        drafting.drop(WANG, first)
    drafting.write(LIN, first, RULES, "x")
    with pytest.raises(DraftError, match="has changed since"):
        drafting.write(LIN, first, RULES, "y")
    second = drafting.open(first.draft.id)
    assert second is not None
    drafting.proposed(second, "sha256:1")
    last = drafting.open(first.draft.id)
    assert last is not None
    with pytest.raises(DraftError, match="was proposed"):
        drafting.write(LIN, last, RULES, "z")
    assert drafting.all() == []


def test_a_draft_writes_files_of_a_pack_only(services: Services) -> None:
    """No path leads out of the pack, or to a file that people do not write."""
    opened = services.rulebook.drafting.open(_begin(services))
    assert opened is not None
    for path in (
        "../etc/passwd", "rules/../../x.kanhe", "/etc/passwd", "rules/.kanhe", "models/a.json",
        "rules/a.py", "rules/a\n.kanhe", "RULES/a.kanhe", "rules/" + "a" * 80 + ".kanhe", "",
    ):  # fmt: skip
        with pytest.raises(DraftError, match="not a file of a pack"):
            services.rulebook.drafting.write(LIN, opened, path, "x")


def test_mistakes_are_told_at_their_place(services: Services) -> None:
    """What is wrong with a file is said with line and column while it is written; fine is fine."""
    drafting = services.rulebook.drafting
    opened = drafting.open(_begin(services))
    assert opened is not None
    text = opened.text(RULES)
    assert text is not None
    assert drafting.check(opened, RULES, text) == []
    wrong = drafting.check(
        opened, RULES, text.replace("ip_failed_users_10m >= 5", "ip_fail >= 5", 1)
    )
    assert [(one.path, one.line, one.column) for one in wrong] == [(RULES, 6, 10)]
    for hostile in ("(" * 2_000, "\x00", "rule(", "a" * 100_000, "é" * 1_000, "\u202e"):
        assert drafting.check(opened, RULES, hostile)
    with pytest.raises(DraftError, match="at most"):
        drafting.check(opened, RULES, "x" * (1 << 20) + "y")
    with pytest.raises(DraftError, match="half a character"):
        drafting.check(opened, RULES, "\ud800")


def test_packs_are_compared_by_rule_and_by_line() -> None:
    """Rules that came, went or say something else are named, moved ones are not; lines are shown."""
    old = load_pack(starter_path())
    files = dict(old.files)
    text = files[RULES].decode()
    files[RULES] = ("# moved\n" + text.replace("points=75", "points=76", 1)).encode()
    files["rules/new.kanhe"] = (
        b'rule("brand_new", on="order.placed", when=amount_base >= 1, points=1, en="A.", zh="\xe7\x94\xb2\xe3\x80\x82")\n'
    )
    del files["rules/reviews.kanhe"]
    change = compare_packs(old, build_pack(files))
    assert change.added == ["brand_new"]
    assert change.changed == ["stuffing_ip"]
    assert change.removed == sorted(r.id for r in old.rules if r.path == "rules/reviews.kanhe")
    kinds = {file.path: (file.kind, file.added, file.removed) for file in change.files}
    assert kinds[RULES] == ("changed", 2, 1)
    assert kinds["rules/new.kanhe"][0] == "added"
    assert kinds["rules/reviews.kanhe"][0] == "removed"


def test_a_draft_is_written_in_pages(client: TestClient) -> None:
    """Begin, edit, check, save, add, undo, throw away: each by a form, each refused to others."""
    sent = come_in(client, "lin")
    begun = client.post("/rules/drafts", data={**sent, "title": "<b>Gift cards</b>"}, headers=SAME)
    path = begun.headers["location"]
    assert "&lt;b&gt;Gift cards&lt;/b&gt;" in client.get(path).text
    edited = client.get(f"{path}/edit?file={RULES}")
    text = edited.text.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0]
    assert text.startswith("\n# Accounts")
    form = {
        **sent,
        "file": RULES,
        "version": "1",
        "text": "rule(</textarea><script>alert(1)</script>",
    }
    checked = client.post(f"{path}/check", data=form, headers=SAME)
    assert 'data-line="1"' in checked.text
    assert "<script>" not in checked.text
    saved = client.post(f"{path}/save", data=form, headers=SAME)
    assert saved.headers["location"] == f"{path}/edit?file=rules%2Faccounts.kanhe"
    assert "<script>alert" not in client.get(f"{path}/edit?file={RULES}").text
    again = client.post(f"{path}/save", data=form, headers=SAME)
    assert again.status_code == 422
    assert "perhaps you in another window" in again.text
    refused = client.post(f"{path}/propose", data={**sent, "why": "x"}, headers=SAME)
    assert (refused.status_code, "has mistakes" in refused.text) == (422, True)
    client.post(f"{path}/remove", data={**sent, "file": RULES, "undo": "1"}, headers=SAME)
    assert "Nothing yet" in client.get(path).text
    assert (
        client.post(f"{path}/add", data={**sent, "file": "gifts"}, headers=SAME).status_code == 303
    )
    assert "rules/gifts.kanhe" in client.get(path).text
    down = client.post(f"{path}/propose", data={**sent, "why": "gifts"}, headers=SAME)
    assert (down.status_code, "cannot be reached" in down.text) == (422, True)

    others = come_in(client, "wang")
    for action in ("save", "add", "remove", "propose", "drop"):
        file = "rules/other.kanhe" if action == "add" else RULES
        form = {**others, "file": file, "version": "3", "text": "x", "why": "x"}
        assert client.post(f"{path}/{action}", data=form, headers=SAME).status_code == 422, action
    reader = come_in(client, "reader")
    assert client.get(path).status_code == 200
    for action in ("save", "check", "add", "remove", "propose", "drop"):
        form = {**reader, "file": RULES, "version": "3", "text": "x"}
        assert client.post(f"{path}/{action}", data=form, headers=SAME).status_code == 403, action
    sent = come_in(client, "lin")
    assert client.post(f"{path}/drop", data=sent, headers=SAME).status_code == 303
    assert client.get(path).status_code == 404
    assert client.get("/rules/drafts/99999999999999999999").status_code == 404


def test_staff_of_one_tenant_do_not_change_what_judges_all(client: TestClient) -> None:
    """They read the rules; beginning a draft, trying a pack or leading it is not theirs."""
    sent = come_in(client, "shop")
    shown = client.get("/rules")
    assert shown.status_code == 200
    assert "Change rules" not in shown.text
    for path in ("/rules/drafts", "/rules/packs/sha256:1/backtest", "/rules/packs/sha256:1/do/shadow",
                 "/rules/packs/sha256:1/decide/activate", "/rules/rollback", "/rules/release"):  # fmt: skip
        form = {**sent, "title": "x", "why": "x", "rule": "x"}
        assert client.post(path, data=form, headers=SAME).status_code == 403, path
    assert client.get("/lists?tenant=south").status_code == 404
    assert client.get("/lists/blocked_ips?tenant=south").status_code == 404
    form = {**sent, "values": "1.2.3.4", "reason": "x"}
    assert (
        client.post("/lists/blocked_ips/add?tenant=south", data=form, headers=SAME).status_code
        == 404
    )
    form = {**sent, "value": "1.2.3.4", "reason": "x"}
    assert (
        client.post("/lists/blocked_ips/remove?tenant=south", data=form, headers=SAME).status_code
        == 404
    )
