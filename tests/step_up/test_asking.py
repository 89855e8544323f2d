"""Asking a buyer, judging answers, redeeming: what holds, and what never does."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from kanhe.core.errors import Refusal
from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from kanhe.protect.access.step_up import limits
from kanhe.protect.access.step_up.limits import StepUpWait
from tests.step_up.building import (
    PAYMENT,
    VOUCHED,
    App,
    House,
    about_factors,
    about_login,
    question,
)


def _refused(slug: str) -> Any:
    """Expect a refusal of this type."""
    return pytest.raises(Refusal, check=lambda e: e.problem.type == f"/problems/{slug}")


def _redeem(house: House, id: str, confirmation: str, redemption: str = "", **more: Any) -> Any:
    said = {"user": "u-1", "purpose": "payment", **PAYMENT, **more}
    return house.asking.redeem("shop", id, confirmation, said, redemption)


def test_a_code_of_an_app_confirms_one_payment_once(house: House) -> None:
    """The right code passes, is redeemed for exactly that payment, and neither works again."""
    app = house.app()
    asked = house.asking.begin(question())
    assert asked.methods == ("totp",)
    code = app.code()
    judged = house.asking.confirm("shop", asked.id, PAYMENT, code, "")
    assert judged.passed
    with _refused("step-up-closed"):
        house.asking.confirm("shop", asked.id, PAYMENT, code, "")
    again = house.asking.begin(question())
    assert house.asking.confirm("shop", again.id, PAYMENT, code, "").reason == "wrong_code"
    assert not _redeem(house, asked.id, judged.confirmation).repeated
    with _refused("step-up-refused"):
        _redeem(house, asked.id, judged.confirmation)


@pytest.mark.parametrize(
    "changed",
    [{"amount_minor": 4991}, {"currency": "USD"}, {"payee": "Shop Eight"}, {"order": "o-2"},
     {"user": "u-2"}, {"purpose": "factors"}],
)  # fmt: skip
def test_what_is_confirmed_is_what_was_asked(house: House, changed: dict[str, Any]) -> None:
    """A right code confirms nothing but the payment it was asked for, neither then nor when redeemed."""
    app = house.app()
    asked = house.asking.begin(question())
    judged = house.asking.confirm("shop", asked.id, {**PAYMENT, **changed}, app.code(), "")
    assert (judged.passed, judged.reason, judged.attempts_left) == (False, "mismatch", 4)
    judged = house.asking.confirm("shop", asked.id, PAYMENT, app.code(), "")
    assert judged.passed, "a mismatch uses no code up"
    with _refused("step-up-refused"):
        _redeem(house, asked.id, judged.confirmation, **changed)
    assert _redeem(house, asked.id, judged.confirmation).method == "totp"


def test_a_mailed_code_says_what_it_confirms(house: House) -> None:
    """The letter names amount, payee and order; its code passes, and only for its own step-up."""
    asked = house.asking.begin(question(mail="mei@example.com"))
    other = house.asking.begin(question(mail="mei@example.com", order="o-2"))
    assert (asked.methods, asked.sent_to) == (("mail",), "m•••@example.com")
    house.asking.send("shop", asked.id)
    letter = house.mailbox.letters[-1]
    for text in (letter.plain, letter.html):
        assert "49.90 EUR" in text
        assert "Shop Seven" in text
        assert "o-1" in text
    assert not any(character.isdigit() for character in letter.subject)
    code = house.mailbox.code
    wrong = house.asking.confirm("shop", other.id, {**PAYMENT, "order": "o-2"}, code, "")
    assert wrong.reason == "wrong_code"
    assert house.asking.confirm("shop", asked.id, PAYMENT, code, "").passed


def test_a_second_letter_makes_the_first_worthless(house: House) -> None:
    """Only the last code counts; three are sent at most, half a minute apart."""
    asked = house.asking.begin(question(mail="mei@example.com"))
    house.asking.send("shop", asked.id)
    first = house.mailbox.code
    with pytest.raises(StepUpWait) as waited:
        house.asking.send("shop", asked.id)
    house.now += waited.value.wait_ms
    house.asking.send("shop", asked.id)
    assert house.asking.confirm("shop", asked.id, PAYMENT, first, "").reason == "wrong_code"
    house.now += limits.SEND_PAUSE_MS
    sent = house.asking.send("shop", asked.id)
    assert sent.sends_left == 0
    house.now += limits.SEND_PAUSE_MS
    with _refused("step-up-closed"):
        house.asking.send("shop", asked.id)
    assert house.asking.confirm("shop", asked.id, PAYMENT, house.mailbox.code, "").passed


def test_an_enrolled_address_outweighs_one_that_the_shop_gives(house: House) -> None:
    """Whoever changed the address in a stolen account gets no code at the new one."""
    made = house.enrolling.begin("shop", "u-1", "mail", mail="mei@example.com", proof=VOUCHED)
    house.enrolling.confirm("shop", "u-1", made.id, house.mailbox.code, "")
    asked = house.asking.begin(question(mail="thief@example.net", wanted=("mail",)))
    assert asked.sent_to == "m•••@example.com"
    house.asking.send("shop", asked.id)
    assert house.mailbox.letters[-1].to_mail == "mei@example.com"


def test_a_given_address_does_not_go_round_a_factor(house: House) -> None:
    """Beside an app, an address of the shop counts only where the shop asks for mail by name."""
    house.app()
    assert house.asking.begin(question(mail="mei@example.com")).methods == ("totp",)
    by_name = house.asking.begin(question(mail="mei@example.com", wanted=("mail", "totp")))
    assert by_name.methods == ("totp", "mail")


def test_a_first_factor_on_nobodys_word_answers_nothing_for_a_day(house: House) -> None:
    """A thief who sets up the first app of a stolen account cannot answer with it, nor add another by it;
    the shop is told so, and may send a code to the address on file."""
    thief = App(house, house.enrolling.begin("shop", "u-1", "totp"))
    house.enrolling.confirm("shop", "u-1", thief.id, thief.code(), "")
    house.now += 30_000
    for asked in (house.asking.begin(question()), house.asking.begin(about_login())):
        assert (asked.methods, asked.too_new) == ((), ("totp",))
    said = {"order": "", "payee": "", "amount_minor": 0, "currency": ""}
    changing = house.asking.begin(about_factors())
    assert changing.methods == ()
    assert house.asking.confirm("shop", changing.id, said, thief.code(), "").reason == "not_offered"
    by_mail = house.asking.begin(question(mail="mei@example.com"))
    assert (by_mail.methods, by_mail.too_new) == (("mail",), ("totp",))
    assert (
        house.asking.confirm("shop", by_mail.id, PAYMENT, thief.code(), "").reason == "not_offered"
    )
    house.now += limits.UNPROVEN_MS
    asked = house.asking.begin(question())
    assert (asked.methods, asked.too_new) == (("totp",), ())
    assert house.asking.confirm("shop", asked.id, PAYMENT, thief.code(), "").passed


def test_a_login_is_confirmed_as_a_login(house: House) -> None:
    """Its letter speaks of signing in and of no payment; what it confirms is neither payment nor factors."""
    asked = house.asking.begin(about_login(mail="mei@example.com", language="zh_CN"))
    house.asking.send("shop", asked.id)
    letter = house.mailbox.letters[-1]
    assert letter.subject == "您的登录验证码"
    assert "登录 Shop Seven" in letter.plain
    assert "0.00" not in letter.plain
    nothing = {"order": "", "payee": "", "amount_minor": 0, "currency": ""}
    judged = house.asking.confirm("shop", asked.id, nothing, house.mailbox.code, "")
    assert judged.passed
    said = {"user": "u-1", **nothing}
    for purpose in ("payment", "factors"):
        with _refused("step-up-refused"):
            house.asking.redeem(
                "shop", asked.id, judged.confirmation, {"purpose": purpose, **said}, ""
            )
    done = house.asking.redeem(
        "shop", asked.id, judged.confirmation, {"purpose": "login", **said}, ""
    )
    assert done.method == "mail"
    assert {event["step_up_purpose"] for event in house.events()} == {"login"}


def test_an_unknown_user_is_asked_like_one_without_factors(house: House) -> None:
    """Nothing tells a user nobody has heard of from one who has set nothing up."""
    made = house.enrolling.begin("shop", "u-known", "totp")
    house.now += limits.PENDING_MS
    known, unknown = (house.asking.begin(question(user=user)) for user in ("u-known", "u-x"))
    assert made.id
    assert known._replace(id="") == unknown._replace(id="")
    assert unknown.methods == ()
    assert house.enrolling.factors("shop", "u-known") == house.enrolling.factors("shop", "u-x")


def test_tenants_never_meet(house: House) -> None:
    """Another shop's step-up is not there, and a factor of the same user id there offers nothing."""
    house.app(tenant="other")
    asked = house.asking.begin(question())
    assert asked.methods == ()
    with _refused("not-found"):
        house.asking.confirm("other", asked.id, PAYMENT, "123456", "")
    with _refused("not-found"):
        house.asking.send("other", asked.id)
    with _refused("not-found"):
        house.asking.redeem("other", asked.id, "x", {}, "")


def test_attempts_of_one_step_up_are_five(house: House) -> None:
    """After five wrong codes even the right one is refused."""
    app = house.app()
    asked = house.asking.begin(question())
    left = [
        house.asking.confirm("shop", asked.id, PAYMENT, "000000", "").attempts_left
        for _ in range(5)
    ]
    assert left == [4, 3, 2, 1, 0]
    with _refused("step-up-closed"):
        house.asking.confirm("shop", asked.id, PAYMENT, app.code(), "")


def test_a_stranger_slows_guessing_down_and_locks_nobody_out(house: House) -> None:
    """After ten failures strangers wait, ever longer; the buyer's own device does not."""
    app = house.app()
    mine = house.asking.begin(question(device="d-mine"))
    assert house.asking.confirm("shop", mine.id, PAYMENT, app.code(), "").passed
    house.now += 30_000
    for _ in range(2):
        asked = house.asking.begin(question(device="d-strange"))
        for _ in range(5):
            house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
    waits = []
    for _ in range(8):
        asked = house.asking.begin(question(device="d-strange"))
        with pytest.raises(StepUpWait) as waited:
            house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
        waits.append(waited.value.wait_ms)
        house.now += waited.value.wait_ms
        asked = house.asking.begin(question(device="d-strange"))
        house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
    assert waits[:3] == [MINUTE_MS, 2 * MINUTE_MS, 4 * MINUTE_MS]
    assert waits[-1] == HOUR_MS
    mine = house.asking.begin(question(device="d-mine"))
    assert house.asking.confirm("shop", mine.id, PAYMENT, app.code(), "").passed


def test_a_device_is_known_for_half_a_year(house: House) -> None:
    """A device nobody has passed with for long is a stranger's again, also once it was swept away."""
    app = house.app()
    mine = house.asking.begin(question(device="d-mine"))
    assert house.asking.confirm("shop", mine.id, PAYMENT, app.code(), "").passed
    for wait_ms, known in ((limits.DEVICE_KNOWN_MS, True), (1, False)):
        house.now += wait_ms
        asked = house.asking.begin(question(device="d-mine"))
        for _ in range(5):
            house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
        again = house.asking.begin(question(device="d-mine"))
        if known:
            with pytest.raises(StepUpWait):
                house.asking.confirm("shop", again.id, PAYMENT, "000000", "")
        else:
            house.asking.confirm("shop", again.id, PAYMENT, "000000", "")


@pytest.mark.parametrize("device", ["", "d-mine"])
def test_a_hundred_failures_leave_one_guess_a_day(house: House, device: str) -> None:
    """However patient, whoever guesses gets at most a hundred tries, and then one a day, also on the
    buyer's own device."""
    app = house.app()
    if device:
        mine = house.asking.begin(question(device=device))
        assert house.asking.confirm("shop", mine.id, PAYMENT, app.code(), "").passed
    failures = 0
    while failures < 100:
        asked = house.asking.begin(question(device=device))
        for _ in range(5):
            try:
                house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
            except StepUpWait as wait:
                house.now += wait.wait_ms
                break
            failures += 1
            if failures == 100:
                break
    house.now += HOUR_MS
    asked = house.asking.begin(question(device=device))
    with pytest.raises(StepUpWait) as waited:
        house.asking.confirm("shop", asked.id, PAYMENT, app.code(), "")
    assert waited.value.wait_ms > DAY_MS - 2 * HOUR_MS
    house.now += waited.value.wait_ms
    asked = house.asking.begin(question(device=device))
    assert house.asking.confirm("shop", asked.id, PAYMENT, app.code(), "").passed


def test_being_asked_too_often_has_to_wait(house: House) -> None:
    """Whoever begins one step-up after the other has to wait; others do not."""
    for _ in range(limits.ASKED_PER_USER.most):
        house.asking.begin(question())
    with pytest.raises(StepUpWait):
        house.asking.begin(question())
    house.asking.begin(question(user="u-2"))
    house.now += HOUR_MS
    house.asking.begin(question())


def test_letters_to_one_address_are_bounded(house: House) -> None:
    """Nobody's mailbox is flooded, under however many users it is given."""
    sent = 0
    with pytest.raises(StepUpWait):
        for number in range(50):
            asked = house.asking.begin(question(user=f"u-{number}", mail="Mei@example.com"))
            house.asking.send("shop", asked.id)
            sent += 1
    assert sent == limits.SENT_PER_ADDRESS.most


def test_it_ends_in_time_whatever_the_clock_does(house: House) -> None:
    """Steps end after ten minutes, confirmations after five; a clock set back makes nothing live longer."""
    app = house.app()
    asked = house.asking.begin(question())
    judged = house.asking.confirm("shop", asked.id, PAYMENT, app.code(), "")
    late = house.asking.begin(question())
    house.now += limits.REDEEM_MS
    with _refused("step-up-refused"):
        _redeem(house, asked.id, judged.confirmation)
    house.now += limits.LIFE_MS - limits.REDEEM_MS
    with _refused("step-up-closed"):
        house.asking.confirm("shop", late.id, PAYMENT, app.code(), "")
    early = house.asking.begin(question())
    house.now -= HOUR_MS
    with _refused("step-up-closed"):
        house.asking.confirm("shop", early.id, PAYMENT, app.code(), "")


def test_a_clock_that_was_wrong_shuts_nobody_out(house: House) -> None:
    """After a day with a clock that was a year ahead, limits are counted in days and not in years."""
    app = house.app()
    house.now += 365 * DAY_MS
    for number in range(limits.ASKED_PER_USER.most):
        asked = house.asking.begin(question())
        if number < 2:
            for _ in range(5):
                house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
    house.now -= 365 * DAY_MS
    asked = house.asking.begin(question())
    with pytest.raises(StepUpWait) as waited:
        house.asking.confirm("shop", asked.id, PAYMENT, app.code(), "")
    house.now += waited.value.wait_ms
    assert house.asking.confirm("shop", asked.id, PAYMENT, app.code(), "").passed


def test_what_is_over_is_taken_away(house: House) -> None:
    """Step-ups are kept for a day after their end, and nothing of them for longer."""
    asked = house.asking.begin(question())
    house.now += limits.LIFE_MS + limits.KEPT_MS
    with house.room.store.writing() as writing:
        house.room.sweep(writing)
        assert writing.step_up("shop", asked.id) is not None
        house.now += 1
        house.room.sweep(writing)
        assert writing.step_up("shop", asked.id) is None


def test_a_restart_forgets_nothing(house: House) -> None:
    """What was used stays used, what was asked can be answered, and what was told waits still."""
    app = house.app()
    asked = house.asking.begin(question())
    house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
    before = house.events()
    house.restart()
    assert house.events() == before
    code = app.code()
    judged = house.asking.confirm("shop", asked.id, PAYMENT, code, "")
    assert (judged.passed, judged.attempts_left) == (True, 4)
    house.restart()
    with _refused("step-up-closed"):
        house.asking.confirm("shop", asked.id, PAYMENT, code, "")
    assert not _redeem(house, asked.id, judged.confirmation, "pay-1").repeated
    house.restart()
    assert _redeem(house, asked.id, judged.confirmation, "pay-1").repeated
    with _refused("step-up-refused"):
        _redeem(house, asked.id, judged.confirmation, "pay-2")


def test_of_many_at_once_one_wins(house: House) -> None:
    """The same code confirmed by many threads passes once; its confirmation is redeemed once."""
    app = house.app()
    asked = [house.asking.begin(question()) for _ in range(3)]
    code = app.code()
    confirmed: list[tuple[str, str]] = []
    redeemed: list[str] = []
    gate = threading.Barrier(12)

    def attempt(number: int) -> None:
        id = asked[number % 3].id
        gate.wait()
        try:
            judged = house.asking.confirm("shop", id, PAYMENT, code, "")
        except (Refusal, StepUpWait):
            judged = None
        if judged is not None and judged.passed:
            confirmed.append((id, judged.confirmation))
        gate.wait()
        for won, confirmation in confirmed:
            try:
                _redeem(house, won, confirmation)
            except Refusal:
                continue
            redeemed.append(won)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(confirmed) == 1
    assert len(redeemed) == 1


def test_what_happened_is_told_once(house: House) -> None:
    """Each step leaves its event, with what the journal needs to count by user, device and address."""
    app = house.app()
    asked = house.asking.begin(question(device="d-1", ip="203.0.113.7", decision="d1-4-x"))
    house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
    house.asking.confirm("shop", asked.id, PAYMENT, app.code(), "")
    added, requested, failed, passed = house.events()
    assert (added["type"], added["factor_authority"]) == ("account.factor_added", "statement")
    assert requested["type"] == "step_up.requested"
    assert failed["step_up_failure"] == "wrong_code"
    assert failed["attempts_left"] == 4
    assert passed["factor"] == app.id
    for event in (requested, failed, passed):
        assert event["step_up"] == asked.id
        assert event["user"] == "u-1"
        assert event["device"] == "d-1"
        assert event["ip"] == "203.0.113.7"
        assert event["amount_minor"] == 4990
    assert len({event["id"] for event in house.events()}) == 4


def test_a_broken_mail_server_is_told(house: House) -> None:
    """A letter that is not taken is a 503; the code counts, and the next one can be asked for."""
    asked = house.asking.begin(question(mail="mei@example.com"))
    house.mailbox.broken = True
    with _refused("step-up-not-sent"):
        house.asking.send("shop", asked.id)
    house.mailbox.broken = False
    house.now += limits.SEND_PAUSE_MS
    assert house.asking.send("shop", asked.id).sends_left == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [({"currency": "XXQ"}, "currency"), ({"payee": "a\nb"}, "payee"), ({"ip": "1.2.3"}, "ip"),
     ({"order": "o\x00"}, "order"), ({"mail": "nobody"}, "mail"), ({"user": "u\u202e"}, "user"), ({"device": "d" * 129}, "device")],
)  # fmt: skip
def test_what_cannot_be_told_is_refused(house: House, more: dict[str, Any], field: str) -> None:
    """What no event could hold is refused at the beginning, with the field's name."""
    with _refused("step-up-invalid") as refused:
        house.asking.begin(question(**more))
    assert [one.field for one in refused.value.problem.errors] == [field]
    assert house.events() == []


def test_the_store_alone_tells_no_secret(house: House) -> None:
    """Neither codes, confirmations, addresses nor secrets of apps stand in the file."""
    app = house.app()
    asked = house.asking.begin(question(mail="mei@example.com", wanted=("mail", "totp")))
    house.asking.send("shop", asked.id)
    code = house.mailbox.code.replace(" ", "")
    judged = house.asking.confirm("shop", asked.id, PAYMENT, app.code(), "")
    house.room.store.close()
    kept = b"".join(path.read_bytes() for path in house.path.parent.iterdir() if path.is_file())
    house.open()
    for secret in (app.secret, code, judged.confirmation, "mei@example.com"):
        assert secret.encode() not in kept
