"""A buyer's own factors: who may add and remove them, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from kanhe.app.stepping_up.enrolling import Client, Proof
from kanhe.core.errors import Refusal
from kanhe.protect.access.step_up import limits
from kanhe.protect.access.step_up.limits import StepUpWait
from tests.step_up.building import VOUCHED, App, House, about_factors, question

_NOTHING = {"order": "", "payee": "", "amount_minor": 0, "currency": ""}


def _refused(slug: str) -> Any:
    """Expect a refusal of this type."""
    return pytest.raises(Refusal, check=lambda e: e.problem.type == f"/problems/{slug}")


def _proved(house: House, app: App, user: str = "u-1") -> Proof:
    """A step-up for a change of factors that was passed with this app."""
    asked = house.asking.begin(about_factors(user))
    judged = house.asking.confirm("shop", asked.id, _NOTHING, app.code(), "")
    assert judged.passed
    house.now += 30_000
    return Proof(step_up=asked.id, confirmation=judged.confirmation)


def test_a_second_factor_takes_proof(house: House) -> None:
    """Whoever took an account over cannot add an app of their own beside the owner's."""
    app = house.app()
    with _refused("proof-missing"):
        house.enrolling.begin("shop", "u-1", "totp")
    proof = _proved(house, app)
    second = house.app(proof=proof)
    assert [one.id for one in house.enrolling.factors("shop", "u-1")] == [app.id, second.id]
    added = house.events()[-1]
    assert (added["factor_authority"], added["step_up"]) == ("step_up", proof.step_up)
    with _refused("step-up-refused"):
        house.enrolling.begin("shop", "u-1", "totp", proof=proof)


def test_an_address_of_the_shop_changes_no_factor(house: House) -> None:
    """Whoever changed the address of a stolen account gets no code there that adds a factor."""
    house.app()
    asked = house.asking.begin(about_factors(mail="thief@example.net", wanted=("mail", "totp")))
    assert asked.methods == ("totp",)
    with _refused("step-up-no-address"):
        house.asking.send("shop", asked.id)


def test_a_code_to_the_address_on_file_vouches_for_the_first_factor(house: House) -> None:
    """It answers at once, and the event says that it was the shop's word."""
    asked = house.asking.begin(about_factors(mail="mei@example.com"))
    house.asking.send("shop", asked.id)
    judged = house.asking.confirm("shop", asked.id, _NOTHING, house.mailbox.code, "")
    house.app(proof=Proof(step_up=asked.id, confirmation=judged.confirmation))
    added = house.events()[-1]
    assert (added["factor_authority"], added["step_up"]) == ("statement", asked.id)
    assert house.asking.begin(question()).methods == ("totp",)


def test_a_confirmed_payment_changes_no_factor(house: House) -> None:
    """What was passed for a payment is no proof for a change of factors."""
    app = house.app()
    asked = house.asking.begin(question())
    said = {"order": "o-1", "payee": "Shop Seven", "amount_minor": 4990, "currency": "EUR"}
    judged = house.asking.confirm("shop", asked.id, said, app.code(), "")
    with _refused("step-up-refused"):
        house.enrolling.begin("shop", "u-1", "totp", proof=Proof(asked.id, judged.confirmation))


def test_another_users_proof_is_none(house: House) -> None:
    """What somebody else has passed changes nobody's factors but their own."""
    house.app()
    proof = _proved(house, house.app(user="u-2"), "u-2")
    with _refused("step-up-refused"):
        house.enrolling.begin("shop", "u-1", "totp", proof=proof)


def test_two_first_factors_are_not_both_first(house: House) -> None:
    """A thief who began a factor before the owner had one cannot confirm it after."""
    thief = App(house, house.enrolling.begin("shop", "u-1", "totp"))
    house.app()
    with _refused("factor-closed"):
        house.enrolling.confirm("shop", "u-1", thief.id, thief.code(), "")


def test_a_shop_says_how_it_knows_them(house: House) -> None:
    """A statement of the shop lets a factor be added, and stands in the event."""
    house.app()
    house.app(proof=Proof(statement="letter with a code to the address on file"))
    added = house.events()[-1]
    assert added["factor_authority"] == "statement"
    assert added["note"] == "letter with a code to the address on file"


def test_customer_service_removes_and_is_named(house: House) -> None:
    """What customer service removes says who did it and why, and is an action of staff too."""
    app = house.app()
    with _refused("step-up-invalid"):
        house.enrolling.remove("shop", "u-1", app.id, Proof(staff="st-5"))
    proof = Proof(statement="lost phone, passport seen", staff="st-5", ticket="T-1")
    house.enrolling.remove("shop", "u-1", app.id, proof, Client(ip="198.51.100.3"))
    removed, action = house.events()[-2:]
    assert removed["type"] == "account.factor_removed"
    assert (removed["staff"], removed["factor_authority"]) == ("st-5", "staff")
    assert removed["ip"] == "198.51.100.3"
    assert (action["type"], action["staff_action"]) == ("staff.action", "deleted")
    assert action["user"] == "u-1"
    assert house.asking.begin(question()).methods == ()


def test_removing_takes_proof_and_makes_devices_strange(house: House) -> None:
    """The owner removes with what they have; nobody else does, and no device is trusted after."""
    app = house.app()
    with _refused("proof-missing"):
        house.enrolling.remove("shop", "u-1", app.id)
    house.enrolling.remove("shop", "u-1", app.id, _proved(house, app))
    assert house.enrolling.factors("shop", "u-1") == []
    with _refused("not-found"):
        house.enrolling.remove("shop", "u-1", app.id)


def test_an_unconfirmed_factor_is_worth_nothing(house: House) -> None:
    """It answers no step-up, is confirmed in ten minutes or never, with five attempts."""
    app = App(house, house.enrolling.begin("shop", "u-1", "totp"))
    assert house.asking.begin(question()).methods == ()
    for _ in range(limits.ATTEMPTS):
        with _refused("factor-not-shown"):
            house.enrolling.confirm("shop", "u-1", app.id, "000000", "")
    with _refused("factor-closed"):
        house.enrolling.confirm("shop", "u-1", app.id, app.code(), "")
    late = App(house, house.enrolling.begin("shop", "u-1", "totp"))
    house.now += limits.PENDING_MS
    with _refused("factor-closed"):
        house.enrolling.confirm("shop", "u-1", late.id, late.code(), "")
    assert [event["type"] for event in house.events()] == ["step_up.requested"]


def test_the_code_that_confirms_an_app_is_used_up(house: House) -> None:
    """Whoever looked on while the app was set up can confirm nothing with that code."""
    app = App(house, house.enrolling.begin("shop", "u-1", "totp", proof=VOUCHED))
    code = app.code()
    house.enrolling.confirm("shop", "u-1", app.id, code, "")
    asked = house.asking.begin(question())
    said = {"order": "o-1", "payee": "Shop Seven", "amount_minor": 4990, "currency": "EUR"}
    assert house.asking.confirm("shop", asked.id, said, code, "").reason == "wrong_code"


def test_a_factor_is_found_under_its_own_user_only(house: House) -> None:
    """Another user, or another shop, neither confirms nor removes it."""
    app = App(house, house.enrolling.begin("shop", "u-1", "totp"))
    for tenant, user in (("shop", "u-2"), ("other", "u-1")):
        with _refused("not-found"):
            house.enrolling.confirm(tenant, user, app.id, app.code(), "")
        with _refused("not-found"):
            house.enrolling.remove(tenant, user, app.id)


def test_an_address_is_confirmed_by_its_letter(house: House) -> None:
    """The letter says what the code is for; the address is shown masked ever after, and once only."""
    made = house.enrolling.begin("shop", "u-1", "mail", mail="Mei@Example.com", language="zh_CN")
    assert made.sent_to == "M•••@Example.com"
    letter = house.mailbox.letters[-1]
    assert "Shop Seven" in letter.plain
    assert letter.from_name == "Shop Seven"
    house.enrolling.confirm("shop", "u-1", made.id, house.mailbox.code, "")
    shown = house.enrolling.factors("shop", "u-1")[0]
    assert (shown.kind, shown.sent_to, shown.confirmed) == ("mail", "M•••@Example.com", True)
    proof = Proof(statement="asked by phone")
    again = house.enrolling.begin("shop", "u-1", "mail", mail="mei@example.com", proof=proof)
    with _refused("factor-closed"):
        house.enrolling.confirm("shop", "u-1", again.id, house.mailbox.code, "")


@pytest.mark.parametrize("mail", ["", "mei", "a@b@c", "mei@exa mple.com", "m\r\nBcc: x@y.z@b.c"])
def test_only_an_address_is_written_to(house: House, mail: str) -> None:
    """What is no mail address is refused by name, and nothing is sent."""
    with _refused("step-up-invalid"):
        house.enrolling.begin("shop", "u-1", "mail", mail=mail)
    assert house.mailbox.letters == []


def test_what_was_only_begun_keeps_nobody_out(house: House) -> None:
    """Whoever begins factors without end keeps the owner from setting one up for an hour at most."""
    with pytest.raises((StepUpWait, Refusal)):
        for _ in range(limits.MOST_FACTORS + 1):
            house.enrolling.begin("shop", "u-1", "totp")
    house.now += limits.ENROLLED_PER_USER.window_ms
    house.app()


@pytest.mark.parametrize(
    ("more", "field"),
    [({"label": "a\nb"}, "label"), ({"name": "a\x00"}, "name"),
     ({"proof": Proof(statement="a\x07b")}, "note"), ({"proof": Proof("s" * 129, "c")}, "")],
)  # fmt: skip
def test_what_could_not_be_told_later_is_refused_at_once(
    house: House, more: dict[str, Any], field: str
) -> None:
    """A factor is not begun with words that its event could not hold."""
    with pytest.raises(Refusal) as refused:
        house.enrolling.begin("shop", "u-1", "totp", **more)
    assert not field or [one.field for one in refused.value.problem.errors] == [field]
    assert house.enrolling.factors("shop", "u-1") == []


def test_factors_are_bounded(house: House) -> None:
    """Beginning one factor after the other ends, by number and by hour."""
    statement = Proof(statement="asked by phone")
    with pytest.raises((StepUpWait, Refusal)):
        for _ in range(limits.MOST_FACTORS + 1):
            house.app(proof=statement)
    assert len(house.enrolling.factors("shop", "u-1")) <= limits.MOST_FACTORS
