"""The console's pass: it alone names a tenant and a person, and nobody else can make or borrow one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.app.judge_link import JudgeDownError, JudgeLink
from kanhe.core.actor import Actor
from kanhe.core.errors import Refusal, StorageError
from kanhe.protect.desk_pass import DeskDoor, OnBehalf, new_secret, write_pass
from kanhe.stores.files.desk_link import LINK_FILE, DeskLink, read_link, remove_link, write_link
from tests.api.conftest import TOKEN, Running, event

SECRET = new_secret(bytes(range(32)))
OTHER_SECRET = new_secret(bytes(range(1, 33)))
ANA = Actor(staff="st-1", name="Ana  Li", tenant="")


@pytest.fixture(params=[True, False], ids=["with keys", "without keys"])
def keyed(request: pytest.FixtureRequest) -> bool:
    """Both ways of serving."""
    return bool(request.param)


@pytest.fixture
def judge(start: Callable[..., Running], keyed: bool) -> Running:
    """A judge with a door for the desk."""
    return start(with_keys=keyed, desk=DeskDoor(SECRET))


@pytest.fixture
def link(judge: Running, tmp_path: Path) -> Iterator[JudgeLink]:
    """The console's way to it."""
    write_link(tmp_path, DeskLink(judge.url, SECRET))
    found = JudgeLink(tmp_path)
    yield found
    found.close()


def _post(judge: Running, token: str, path: str, **more: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}", **more.pop("headers", {})}
    return httpx.post(judge.url + path, headers=headers, timeout=20, **more)


def test_the_desk_speaks_for_any_tenant(judge: Running, link: JudgeLink) -> None:
    """Events go to the tenant that is named, and a second sending changes nothing."""
    for tenant in ("shop-a", "shop-b", "shop-a"):
        (taken,) = link.record(tenant, [json.dumps(event(1)).encode()])
        assert taken.problem is None
    assert sorted(tenant for tenant, _ in judge.engine.kept) == ["shop-a", "shop-b"]


def test_a_refused_event_does_not_stop_its_neighbours(judge: Running, link: JudgeLink) -> None:
    """Each event of a batch gets its own answer."""
    taken = link.decide("shop-a", [json.dumps(event(1)).encode(), b"{", b'{"type":"x.y"}'])
    assert [one.problem and one.problem.type for one in taken] == [
        None, "/problems/not-json", "/problems/missing-field",
    ]  # fmt: skip


def test_the_desk_may_ask_for_a_decision(judge: Running, link: JudgeLink) -> None:
    """One event is judged for its tenant; what is no event is refused with the judge's own words."""
    assert (
        json.loads(link.decide_one("shop-a", json.dumps(event(1)).encode()))["outcome"] == "allow"
    )
    assert [tenant for tenant, _ in judge.engine.kept] == ["shop-a"]
    with pytest.raises(Refusal, match="JSON"):
        link.decide_one("shop-a", b"{")


def test_a_tenant_that_no_pass_can_name_is_refused_for_good(link: JudgeLink) -> None:
    """What can never be sent is said so, so that what waits behind it goes on."""
    for tenant in ("", "a\tb", "t" * 129):
        with pytest.raises(Refusal, match="128 characters"):
            link.record(tenant, [json.dumps(event(1)).encode()])


def test_what_the_desk_lists_is_of_who_signed_in(judge: Running, link: JudgeLink) -> None:
    """The author of an entry is the person of the pass, whatever the body says."""
    link.add_entry(ANA, "shop-b", "stolen_cards", "tok/9 ?", note="seen")
    assert [list_["name"] for list_ in link.lists("shop-b")] == ["stolen_cards"]
    (entry,) = link.entries("shop-b", "stolen_cards")["entries"]
    assert (entry["value"], entry["author"]) == ("tok/9 ?", "st-1")
    assert link.entries("shop-a", "stolen_cards")["entries"] == []
    forged = {"value": "v", "staff": "st-2"}
    token = write_pass(SECRET, OnBehalf("shop-b", "st-1", "Ana"))
    assert _post(judge, token, "/v1/lists/stolen_cards/entries", json=forged).status_code == 201
    authors = {entry["author"] for entry in link.entries("shop-b", "stolen_cards")["entries"]}
    assert authors == {"st-1"}
    link.remove_entry(ANA, "shop-b", "stolen_cards", "tok/9 ?")
    with pytest.raises(Refusal, match="no such entry"):
        link.remove_entry(ANA, "shop-b", "stolen_cards", "tok/9 ?")


def test_steps_of_a_policy_are_taken_by_the_person(judge: Running, link: JudgeLink) -> None:
    """Four eyes see the name and the id of who signed in, with and without API keys."""
    with pytest.raises(Refusal, match="no pack can be proposed here"):
        link.rollback(ANA, "too many refusals")
    assert judge.engine.known_policies.asked == [("Ana Li", "staff:st-1")]
    nobody = write_pass(SECRET, OnBehalf("platform"))
    assert _post(judge, nobody, "/v1/policy/rollback", json={"why": "x"}).status_code == 409
    assert len(judge.engine.known_policies.asked) == 1


def test_the_desk_reads_how_the_judge_stands(judge: Running, link: JudgeLink) -> None:
    """Readiness, metrics and the policy can be read; another path's bytes come as they are."""
    assert link.ready()
    assert "kanhe_events_total" in link.metrics()
    assert link.policies()["packs"] == []
    assert json.loads(link.get("/healthz")) == {"status": "ok"}
    with pytest.raises(Refusal, match="no pack is"):
        link.policy("abc")


def test_no_other_pass_opens(judge: Running) -> None:
    """A pass of another run, or one that names nobody rightly, gets in nowhere, also without keys."""
    tokens = [
        write_pass(OTHER_SECRET, OnBehalf("shop-b", "st-1", "Ana")),
        f"kanhe_desk_{SECRET}",
        f"kanhe_desk_{SECRET}.",
        f"kanhe_desk_{SECRET}.e30",
        f"kanhe_desk_{SECRET}.!!!!",
        write_pass(SECRET, OnBehalf("")),
        write_pass(SECRET, OnBehalf("a\nb")),
        write_pass(SECRET, OnBehalf("t" * 129)),
        write_pass(SECRET, OnBehalf("shop-a", "s" * 3_000)),
        write_pass("", OnBehalf("shop-a")),
        "kanhe_desk_",
    ]
    with judge.client(None) as client:
        for token in tokens:
            headers = {"authorization": f"Bearer {token}"}
            for path in ("/v1/events", "/v1/decisions", "/v1/policy/rollback"):
                answer = client.post(path, json=event(1), headers=headers)
                assert answer.status_code == 401, token
    assert judge.engine.kept == {} and judge.engine.known_policies.asked == []


def test_headers_name_nobody(judge: Running, keyed: bool) -> None:
    """Whoever has a key, or needs none, stays in their own tenant whatever headers they send."""
    headers = {"kanhe-tenant": "shop-b", "kanhe-person": "Ana", "x-forwarded-user": "Ana"}
    answer = _post(judge, TOKEN, "/v1/events", json=event(1), headers=headers)
    assert answer.status_code == 200
    assert [tenant for tenant, _ in judge.engine.kept] == ["shop-a" if keyed else "default"]


def test_without_a_door_there_is_no_pass(start: Callable[..., Running]) -> None:
    """A server that was given no secret lets no pass in, not even one with an empty secret."""
    for running in (start(), start(with_keys=False)):
        for secret in (SECRET, ""):
            token = write_pass(secret, OnBehalf("shop-a"))
            assert _post(running, token, "/v1/events", json=event(1)).status_code == 401


def test_a_judge_started_anew_is_found_again(
    judge: Running, link: JudgeLink, start: Callable[..., Running], tmp_path: Path
) -> None:
    """After a restart the link is read again, for the new address and for the new secret."""
    assert link.ready()
    again = start(desk=DeskDoor(OTHER_SECRET))
    write_link(tmp_path, DeskLink(again.url, OTHER_SECRET))
    judge.end()
    link.record("shop-a", [json.dumps(event(1)).encode()])
    assert len(again.engine.kept) == 1
    write_link(tmp_path, DeskLink(again.url, SECRET))
    link._link = None
    with pytest.raises(JudgeDownError, match="unknown, revoked or expired"):
        link.record("shop-a", [json.dumps(event(2)).encode()])


def test_a_judge_that_cannot_is_told_apart_from_one_that_will_not(
    judge: Running, link: JudgeLink, tmp_path: Path
) -> None:
    """A full disk, a fault and silence are no refusals: the event may be sent again."""
    body = [json.dumps(event(1)).encode()]
    judge.engine.disk_full = True
    with pytest.raises(JudgeDownError) as caught:
        link.record("shop-a", body)
    assert not caught.value.fault
    judge.engine.disk_full, judge.engine.broken = False, True
    with pytest.raises(JudgeDownError) as caught:
        link.record("shop-a", body)
    assert caught.value.fault
    remove_link(tmp_path)
    link._link = None
    with pytest.raises(JudgeDownError, match="nothing judges"):
        link.record("shop-a", body)
    assert not link.ready()
    assert judge.engine.kept == {}


def test_the_link_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The file has mode 0600, and one that others could read is not used."""
    assert read_link(tmp_path) is None
    write_link(tmp_path, DeskLink("http://127.0.0.1:1", SECRET))
    path = tmp_path / LINK_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_link(tmp_path) == DeskLink("http://127.0.0.1:1", SECRET)
    path.chmod(0o644)
    with pytest.raises(StorageError, match="chmod 600"):
        read_link(tmp_path)
    path.chmod(0o600)
    path.write_bytes(b"{")
    with pytest.raises(StorageError, match="damaged"):
        read_link(tmp_path)


@given(st.text(max_size=140), st.text(max_size=140), st.text(max_size=140))
def test_a_pass_says_whom_it_is_for(tenant: str, staff: str, name: str) -> None:
    """What can be named is read back as it was written; everything else opens nothing."""
    door = DeskDoor(SECRET)
    try:
        token = write_pass(SECRET, OnBehalf(tenant, staff, name)).encode()
    except UnicodeEncodeError:
        return
    found = door.opened_by(token)
    plain = all(len(text) <= 128 and text.isprintable() for text in (tenant, staff, name))
    if tenant and plain and len(token) <= 1_000:
        assert found == OnBehalf(tenant, staff, name)
    assert found in (None, OnBehalf(tenant, staff, name))
    assert DeskDoor(OTHER_SECRET).opened_by(token) is None


@given(st.binary(max_size=200))
def test_nothing_else_opens(token: bytes) -> None:
    """Whatever bytes come, no door opens by chance, and none breaks."""
    for start in (b"", b"kanhe_desk_", f"kanhe_desk_{SECRET}.".encode()):
        found = DeskDoor(SECRET).opened_by(start + token)
        assert found is None or start.endswith(b".")
