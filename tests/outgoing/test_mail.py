"""Mail to staff: what concerns whom, in their language, without a way for others to write headers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import Connection, select

from kanhe.app.mailing import GATHER_MS, LATER_MS, MOST_PER_HOUR, Mailing, Reader
from kanhe.core.errors import SettingsError
from kanhe.protect.access.sealing import Sealer
from kanhe.stores.desk import letters, outgoing
from kanhe.stores.desk.database import Desk
from kanhe.stores.smtp.post import Post, PostError, Written
from tests.outgoing.mail_server import TinyServer

NOW = 1_767_225_600_000
ANA = Reader("st-1", "Ana", "ana@shop.example", "en", "shop")
LI = Reader("st-2", "李雷", "li@shop.example", "zh_CN", "shop")
EVE = Reader("st-3", "Eve", "eve@other.example", "en", "other")
PAT = Reader("st-4", "Pat <b>Q</b>\r\nBcc: x@y.example", "pat@platform.example", "en", "")


class Staff:
    """These four."""

    people = (ANA, LI, EVE, PAT)

    def reader(self, connection: Connection, staff: str) -> Reader | None:
        """By id."""
        return next((one for one in self.people if one.staff == staff), None)

    def who_may(self, connection: Connection, permission: str) -> Sequence[Reader]:
        """All."""
        return self.people


class World:
    """A desk with mail."""

    def __init__(self) -> None:
        self.now = NOW
        self.desk = Desk()
        self.sent: list[Written] = []
        self.trouble: PostError | None = None
        self.mailing = Mailing(
            self.desk, Staff(), Sealer(bytes(32), lambda size: bytes(size)), lambda: self.now,
            "https://desk.shop.example/", self.send, lambda: 0.5,
        )  # fmt: skip

    def send(self, letter: Written) -> None:
        """In place of a server."""
        if self.trouble:
            raise self.trouble
        self.sent.append(letter)

    def announce(self, topic: str, tenant: str = "shop", **data: object) -> None:
        """Something happens."""
        with self.desk.writing() as connection:
            outgoing.announce(connection, tenant, topic, data, self.now)

    def pass_by(self, ms: int = GATHER_MS) -> None:
        """Let time go by and look."""
        self.mailing.step()
        self.now += ms
        self.mailing.step()


@pytest.fixture
def world() -> Iterator[World]:
    """A fresh one."""
    found = World()
    yield found
    found.desk.close()


def test_those_hear_whom_it_concerns(world: World) -> None:
    """In their language, once, and not who did it, nor who does not see the tenant."""
    world.announce("case.mentioned", case=7, staff="st-2", by="st-1")
    world.announce("case.assigned", case=8, staff="st-1", by="st-1")
    world.announce("case.assigned", case=9, staff="st-3", by="st-1")
    world.announce("case.assigned", case=9, staff="st-nobody", by="st-1")
    world.announce("case.opened", case=9)
    world.pass_by()
    world.pass_by()
    (letter,) = world.sent
    assert letter.to_mail == "li@shop.example"
    assert letter.subject == "案件 7 的备注提到了您"
    assert "Ana 在案件 7 的备注中提到了您。" in letter.plain
    assert "https://desk.shop.example/cases/7" in letter.plain and "cases/7" in letter.html


def test_escalations_go_to_those_who_decide(world: World) -> None:
    """All of the tenant and of the platform who may assign."""
    world.announce("case.escalated", case=7, level=1, by="st-1")
    world.pass_by()
    assert {letter.to_mail for letter in world.sent} == {LI.mail, PAT.mail}


def test_what_comes_together_is_one_letter(world: World) -> None:
    """Many at once are one digest; whoever has had many letters gets the rest later, together."""
    for case in range(40):
        world.announce("case.assigned", case=case, staff="st-1", by="st-2")
    world.pass_by()
    (letter,) = world.sent
    assert letter.subject == "40 things need you"
    assert "and 10 more." in letter.plain and letter.plain.count("handed you") == 30
    for case in range(MOST_PER_HOUR + 5):
        world.announce("case.assigned", case=case, staff="st-1", by="st-2")
        world.pass_by()
    assert len(world.sent) == MOST_PER_HOUR
    world.pass_by(LATER_MS)
    world.pass_by(4 * LATER_MS)
    world.pass_by(LATER_MS)
    assert len(world.sent) == MOST_PER_HOUR + 1
    assert world.sent[-1].subject == "6 things need you"


def test_whoever_does_not_want_it_is_left_in_peace(world: World) -> None:
    """By topic."""
    with world.desk.writing() as connection:
        letters.choose(connection, "st-1", "case.assigned", True)
        letters.choose(connection, "st-1", "case.assigned", False)
    world.announce("case.assigned", case=1, staff="st-1", by="st-2")
    world.announce("case.mentioned", case=2, staff="st-1", by="st-2")
    world.pass_by()
    (letter,) = world.sent
    assert letter.subject == "You were mentioned in case 2"


def test_an_invitation_carries_its_link_sealed(world: World) -> None:
    """The link stands in the letter and nowhere in the store, and no more after a day."""
    for age_ms in (0, 90_000_000):
        with world.desk.writing() as connection:
            world.mailing.invite(connection, "st-2", "https://desk.shop.example/first/secret-token")
        with world.desk.reading() as connection:
            kept = connection.execute(select(letters.LETTERS.c.payload)).scalars().all()
        assert not any(b"secret-token" in payload for payload in kept)
        world.now += age_ms
        world.mailing.step()
    (letter,) = world.sent
    assert "https://desk.shop.example/first/secret-token" in letter.plain
    assert "secret-token" not in letter.subject


def test_a_server_that_is_down_has_letters_wait(world: World) -> None:
    """They go out later under one id; an address that is refused for good is given up."""
    world.announce("case.assigned", case=1, staff="st-1", by="st-2")
    world.trouble = PostError("no route")
    world.pass_by()
    world.pass_by(10_000)
    world.trouble = None
    world.pass_by(600_000)
    assert len(world.sent) == 1
    world.trouble = PostError("550 no such user", for_good=True)
    world.announce("case.assigned", case=2, staff="st-1", by="st-2")
    world.pass_by()
    world.trouble = None
    world.pass_by(10**8)
    assert len(world.sent) == 1
    with world.desk.reading() as connection:
        problems = connection.execute(select(letters.LETTERS.c.problem)).scalars().all()
    assert problems == ["", "550 no such user"]


def test_without_a_server_news_is_passed_over(world: World) -> None:
    """When mail is set up later, nobody is written to about old things."""
    off = Mailing(world.desk, Staff(), Sealer(bytes(32), bytes), lambda: world.now, "", None, float)
    world.announce("case.assigned", case=1, staff="st-1", by="st-2")
    off.step()
    world.pass_by()
    assert world.sent == [] and not off.is_on


@pytest.fixture
def server() -> Iterator[TinyServer]:
    """A mail server on this machine."""
    found = TinyServer()
    yield found
    found.close()


def test_a_letter_arrives_whole(server: TinyServer, world: World) -> None:
    """Both bodies, both languages of names, one recipient, and the id that was given."""
    post = Post("127.0.0.1", server.port, "desk@shop.example", security="none")
    world.announce("case.assigned", case=7, staff="st-2", by="st-4")
    world.pass_by()
    post.send(world.sent[0])
    (letter,) = server.letters
    assert letter["to"].addresses[0].display_name == "李雷"
    assert letter["from"].addresses[0].addr_spec == "desk@shop.example"
    assert letter["message-id"].startswith("<k1.1@desk.shop.example")
    plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None and "案件 7" in plain.get_content()
    assert html is not None and "Pat &lt;b&gt;Q&lt;/b&gt; Bcc: x@y.example" in html.get_content()
    assert letter["bcc"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"to_mail": "a@b.example\r\nBcc: c@d.example"},
        {"to_mail": "a@b.example, c@d.example"},
        {"to_name": "Ana\r\nBcc: c@d.example"},
        {"to_name": "Ana\nSubject: x"},
        {"subject": "Hi\r\nBcc: c@d.example"},
        {"message_id": "a>\r\nBcc: <c@d.example"},
        {"to_mail": "nobody"},
        {"to_mail": ""},
    ],
)
def test_no_header_can_be_smuggled_in(server: TinyServer, change: dict[str, str]) -> None:
    """A line break or a second address anywhere is refused before anything is sent."""
    post = Post("127.0.0.1", server.port, "desk@shop.example", security="none")
    letter = Written("Ana", "ana@shop.example", "Hi", "text", "<p>text</p>", "k@x")
    with pytest.raises(PostError) as caught:
        post.send(letter._replace(**change))
    assert caught.value.for_good
    assert server.letters == []


def test_what_the_server_says_is_told_apart(world: World) -> None:
    """Refused for good, refused for now, not there, and no TLS where it is asked for."""
    letter = Written("Ana", "ana@shop.example", "Hi", "text", "<p>text</p>", "k@x")
    for said, for_good in ((b"550 no such user", True), (b"450 busy", False)):
        server = TinyServer(said)
        post = Post("127.0.0.1", server.port, "desk@shop.example", security="none")
        with pytest.raises(PostError) as caught:
            post.send(letter)
        assert caught.value.for_good == for_good
        server.close()
    server = TinyServer()
    post = Post("127.0.0.1", server.port, "desk@shop.example", user="u", password="p-secret")
    with pytest.raises(PostError, match="STARTTLS") as caught:
        post.send(letter)
    assert not caught.value.for_good
    assert not any(b"AUTH" in line or b"RCPT" in line for line in server.heard)
    server.close()
    with pytest.raises(PostError, match="did not take it"):
        Post("127.0.0.1", 9, "desk@shop.example", security="none").send(letter)
    with pytest.raises(SettingsError, match="mail_from"):
        Post("127.0.0.1", 9, "nobody")


def test_notes_are_json(world: World) -> None:
    """What is kept of a note is what was announced."""
    world.announce("case.assigned", case=7, staff="st-2", by="st-4")
    world.mailing.step()
    with world.desk.reading() as connection:
        (payload,) = connection.execute(select(letters.LETTERS.c.payload)).scalars()
    assert json.loads(payload) == {"case": 7, "staff": "st-2", "by": "st-4"}
