"""Coming in, and being kept out."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kanhe.app.access import SignedIn
from kanhe.app.enrolling import Newcomer
from kanhe.app.personnel import founder
from kanhe.app.signing_in import MustWait, TooLate, Wrong, WrongCode
from kanhe.core.actor import Visitor
from kanhe.core.errors import StorageError
from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin
from kanhe.protect.access.accounts import AccessRefused
from kanhe.protect.access.hashing import Costs, Hashing
from kanhe.protect.access.passkeys import PasskeyRefused
from kanhe.stores.desk import accounts
from kanhe.stores.desk.outgoing import EVENTS
from tests.access.authenticator import Authenticator
from tests.access.cheap import chance
from tests.access.office import HOST, ORIGIN, PASSWORD, Office

ANA = "ana@example.com"


def _with_ana(office: Office, *roles: str) -> tuple[Visitor, SignedIn]:
    """A manager, and Ana, who has a password and an app."""
    manager = office.visitor(office.found())
    _, link = office.invite(manager, ANA, *(roles or ("risk_analyst",)), name="Ana Li")
    return manager, office.accept_with_password(link, ANA)


def test_the_first_manager_comes_in_by_link_and_passkey(kept_office: Office) -> None:
    """The link makes one account of a security manager, once."""
    with kept_office.desk.writing() as connection:
        link = kept_office.staffing.personnel.founding_link_as(
            connection, founder("init"), "first start"
        )
    token = link.rpartition("/")[2]
    invitation = kept_office.staffing.enrolling.invitation(token)
    assert invitation is not None
    assert invitation.account is None
    newcomer = Newcomer("Mia Chen", "mia@example.com")
    visitor = kept_office.visitor(
        kept_office.accept_with_passkey(link, "mia@example.com", newcomer)
    )
    assert visitor.actor.roles == ("security_manager",)
    assert visitor.actor.second_factor
    assert visitor.may("staff.manage")
    assert kept_office.staffing.enrolling.invitation(token) is None
    with pytest.raises(AccessRefused, match="opens nothing"):
        kept_office.accept_with_passkey(link, "eve@example.com", Newcomer("Eve", "eve@example.com"))
    assert ("granted_access", "account", "first account made") in kept_office.told()
    assert ("signed_in", "system", "passkey") in kept_office.told()


def test_a_password_and_a_code_sign_in(kept_office: Office) -> None:
    """Both halves together give a session; every event of it is one that the registry accepts."""
    _with_ana(kept_office)
    visitor = kept_office.visitor(kept_office.sign_in(ANA))
    assert visitor.actor.name == "Ana Li"
    assert visitor.actor.second_factor
    assert visitor.actor.device == "Chrome · Windows"
    assert visitor.may("cases.work")
    assert not visitor.may("rules.approve")
    reader = Reader(builtin())
    with kept_office.desk.reading() as connection:
        for row in connection.execute(EVENTS.select()).all():
            reader.read(row.tenant, row.body, kept_office.now + 1)


def test_half_is_nothing(office: Office) -> None:
    """A right password alone opens nothing, nor does a half that is too old, changed or used."""
    _with_ana(office)
    office.later(30_000)
    signing_in = office.staffing.signing_in
    half = signing_in.password(ANA, PASSWORD, office.client())
    assert office.staffing.visitor(half) is None
    with pytest.raises(TooLate):
        signing_in.code("x" + half[1:], office.code(ANA), office.client())
    assert signing_in.code(half, office.code(ANA), office.client())
    office.later(30_000)
    with pytest.raises(TooLate):
        signing_in.code(half, office.code(ANA), office.client())
    half = signing_in.password(ANA, PASSWORD, office.client())
    office.later(11 * MINUTE_MS)
    with pytest.raises(TooLate):
        signing_in.code(half, office.code(ANA), office.client())


def test_a_half_dies_with_its_password(office: Office) -> None:
    """Who changes a password ends what somebody began with the old one."""
    _, ana = _with_ana(office)
    office.later(30_000)
    half = office.staffing.signing_in.password(ANA, PASSWORD, office.client())
    office.staffing.enrolling.set_password(office.visitor(ana), PASSWORD, "violet engine 44 rain")
    with pytest.raises(TooLate):
        office.staffing.signing_in.code(half, office.code(ANA), office.client())


@pytest.mark.parametrize("mail", [ANA, "nobody@example.com", "", "x" * 5_000, "\ud800@x.yz"])
def test_nobody_learns_who_has_an_account(office: Office, mail: str) -> None:
    """A wrong password and an unknown address get the same answers: wrong, and after a while, wait."""
    _with_ana(office)
    answers = []
    for _ in range(7):
        with pytest.raises(AccessRefused) as refused:
            office.staffing.signing_in.password(mail, "wrong " * 4, office.client())
        answers.append((type(refused.value), str(refused.value)))
    text = "mail address or password is wrong"
    wait = "too many attempts failed: try again in 30 s, or use a passkey"
    assert answers == [(Wrong, text)] * 5 + [(MustWait, wait)] * 2


def test_unknown_addresses_cost_the_same_work(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hash is computed for every attempt: wrong password, no account, no password, disabled."""
    manager, ana = _with_ana(office)
    work: list[str] = []
    fits = Hashing.fits

    def counted(self: Hashing, secret: str, kept: str) -> bool:
        work.append(kept)
        return fits(self, secret, kept)

    monkeypatch.setattr(Hashing, "fits", counted)
    office.staffing.personnel.disable(manager, ana.staff)
    for mail in (ANA, "nobody@example.com", "mia@example.com"):
        with pytest.raises(Wrong):
            office.staffing.signing_in.password(mail, PASSWORD, office.client())
    assert len(work) == 3


def test_the_spelling_of_an_address_does_not_matter(office: Office) -> None:
    """Capitals, spaces around and wide letters find the same account, and count as the same."""
    _with_ana(office)
    office.later(30_000)
    assert office.staffing.signing_in.password(" ＡNA@Example.COM ", PASSWORD, office.client())


def test_others_cannot_lock_a_known_device_out(office: Office) -> None:
    """After two hundred failures of others, from her own network too, her own browser comes in at once."""
    _, ana = _with_ana(office)
    for number in range(120):
        for ip in ("192.0.2.1", f"10.{number % 250}.0.1"):
            with pytest.raises(AccessRefused):
                office.staffing.signing_in.password(ANA, "guess " * 5, office.client(ip=ip))
    with pytest.raises(MustWait):
        office.staffing.signing_in.password(ANA, PASSWORD, office.client(ip="10.99.0.1"))
    assert office.visitor(office.sign_in(ANA, office.client(ana.device_token)))


def test_a_known_device_is_known_for_its_account_only(office: Office) -> None:
    """Whoever has a cookie of their own cannot use it to guess another's password at leisure."""
    manager, _ana = _with_ana(office)
    _, link = office.invite(manager, "bo@example.com", "engineer")
    bo = office.accept_with_password(link, "bo@example.com")
    results = []
    for _ in range(8):
        with pytest.raises(AccessRefused) as refused:
            office.staffing.signing_in.password(ANA, "guess " * 5, office.client(bo.device_token))
        results.append(type(refused.value))
    assert MustWait in results


def test_codes_cannot_be_guessed_at_leisure(office: Office) -> None:
    """Who knows the password has a handful of codes to try, and no longer half for each."""
    _with_ana(office)
    office.later(30_000)
    half = office.staffing.signing_in.password(ANA, PASSWORD, office.client(ip="203.0.113.9"))
    results = []
    for number in range(8):
        with pytest.raises(AccessRefused) as refused:
            office.staffing.signing_in.code(half, f"{number:06}", office.client(ip="203.0.113.9"))
        results.append(type(refused.value))
    assert results == [WrongCode] * 5 + [MustWait] * 3
    # The right password gives another half, and no more codes.
    again = office.staffing.signing_in.password(ANA, PASSWORD, office.client(ip="203.0.113.9"))
    with pytest.raises(MustWait):
        office.staffing.signing_in.code(again, "000009", office.client(ip="203.0.113.9"))


def test_a_known_device_gives_no_more_codes(office: Office) -> None:
    """Whoever has the password and somebody's browser cannot guess codes between two right passwords."""
    device = _with_ana(office)[1].device_token
    office.later(30_000)
    results = []
    for number in range(4):
        half = office.staffing.signing_in.password(ANA, PASSWORD, office.client(device))
        for code in range(3):
            with pytest.raises(AccessRefused) as refused:
                text = f"{10 * number + code:06}"
                office.staffing.signing_in.code(half, text, office.client(device))
            results.append(type(refused.value))
    assert results == [WrongCode] * 5 + [MustWait] * 7


def test_a_browser_that_others_used_is_strange(office: Office) -> None:
    """Whoever signs in where somebody else did gets a token of their own: a kept copy opens nothing."""
    manager, ana = _with_ana(office)
    _, link = office.invite(manager, "bo@example.com", "engineer")
    office.accept_with_password(link, "bo@example.com")
    bo = office.sign_in("bo@example.com", office.client(ana.device_token))
    assert bo.device_token != ana.device_token


def test_a_code_is_good_once(kept_office: Office) -> None:
    """The code that signed in does not do so again, within its time or later."""
    _with_ana(kept_office)
    kept_office.later(30_000)
    signing_in = kept_office.staffing.signing_in
    code = kept_office.code(ANA)
    signing_in.code(
        signing_in.password(ANA, PASSWORD, kept_office.client()), code, kept_office.client()
    )
    half = signing_in.password(ANA, PASSWORD, kept_office.client())
    with pytest.raises(WrongCode):
        signing_in.code(half, code, kept_office.client())


def test_recovery_codes_sign_in_once_each(kept_office: Office) -> None:
    """A recovery code stands in for the app, once; a new set ends the old one."""
    _, ana = _with_ana(kept_office)
    codes = kept_office.staffing.enrolling.new_recovery_codes(kept_office.visitor(ana))
    signing_in = kept_office.staffing.signing_in
    half = signing_in.password(ANA, PASSWORD, kept_office.client())
    assert signing_in.code(half, codes[0].upper(), kept_office.client())
    half = signing_in.password(ANA, PASSWORD, kept_office.client())
    with pytest.raises(WrongCode):
        signing_in.code(half, codes[0], kept_office.client())
    assert kept_office.staffing.account(kept_office.visitor(ana)).recovery_left == 9
    again = kept_office.staffing.enrolling.new_recovery_codes(kept_office.visitor(ana))
    with pytest.raises(WrongCode):
        signing_in.code(half, codes[1], kept_office.client())
    assert signing_in.code(half, again[1], kept_office.client())


def test_a_passkey_signs_in_by_itself(office: Office) -> None:
    """No name, no password; each question is answered once, and never does it have to wait."""
    office.found()
    signing_in, key = office.staffing.signing_in, office.keys["mia@example.com"]
    for _ in range(60):
        with pytest.raises(AccessRefused):
            signing_in.password("mia@example.com", "guess " * 5, office.client())
    options, sealed = signing_in.ask_for_passkey()
    response = key.show(options)
    visitor = office.visitor(signing_in.passkey(sealed, response, office.client()))
    assert visitor.actor.name == "Mia Chen"
    with pytest.raises(TooLate):
        signing_in.passkey(sealed, response, office.client())


def test_a_passkey_without_verification_of_the_person_is_refused(office: Office) -> None:
    """A device that did not ask for finger, face or PIN does not sign in."""
    office.found()
    key = office.keys["mia@example.com"]
    key.verified = False
    options, sealed = office.staffing.signing_in.ask_for_passkey()
    with pytest.raises(PasskeyRefused) as refused:
        office.staffing.signing_in.passkey(sealed, key.show(options), office.client())
    assert "PIN" in refused.value.text.zh


def test_the_passkey_of_another_does_not_complete_a_sign_in(office: Office) -> None:
    """Whoever knows Ana's password cannot add their own passkey to it."""
    _with_ana(office)
    office.later(30_000)
    signing_in = office.staffing.signing_in
    half = signing_in.password(ANA, PASSWORD, office.client())
    options, sealed = signing_in.ask_for_passkey(half)
    mia = office.keys["mia@example.com"]
    with pytest.raises(PasskeyRefused):
        signing_in.passkey(sealed, mia.show(options), office.client())


def test_a_session_ends_by_rest_age_and_hand(kept_office: Office) -> None:
    """An hour unused or twelve in all, signed out, or disabled: then the secret opens nothing."""
    manager, ana = _with_ana(kept_office)
    for _ in range(3):
        kept_office.later(59 * MINUTE_MS)
        assert kept_office.visitor(ana)
    kept_office.later(HOUR_MS)
    assert kept_office.staffing.visitor(ana.token) is None
    second = kept_office.sign_in(ANA)
    for _ in range(12):
        kept_office.later(55 * MINUTE_MS)
        kept_office.visitor(second)
    kept_office.later(HOUR_MS)
    assert kept_office.staffing.visitor(second.token) is None
    third = kept_office.sign_in(ANA)
    kept_office.staffing.sign_out(kept_office.visitor(third))
    assert kept_office.staffing.visitor(third.token) is None
    fourth = kept_office.sign_in(ANA)
    options, sealed = kept_office.staffing.signing_in.ask_for_passkey()
    response = kept_office.keys["mia@example.com"].show(options)
    manager = kept_office.visitor(
        kept_office.staffing.signing_in.passkey(sealed, response, kept_office.client())
    )
    kept_office.staffing.personnel.disable(manager, ana.staff)
    assert kept_office.staffing.visitor(fourth.token) is None
    with pytest.raises(Wrong):
        kept_office.sign_in(ANA)


def test_signing_in_ends_the_session_before(office: Office) -> None:
    """A secret that was in the browser before is worth nothing afterwards (session fixation)."""
    _, ana = _with_ana(office)
    again = office.sign_in(ANA, office.client(ana.device_token, ana.token))
    assert again.token != ana.token
    assert again.device_token == ana.device_token
    assert office.staffing.visitor(ana.token) is None
    assert office.visitor(again)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "x" * 100_000])
def test_nonsense_is_no_session(office: Office, token: str) -> None:
    """A cookie that was never given out is nobody's."""
    assert office.staffing.visitor(token) is None


def test_what_is_dangerous_asks_again(office: Office) -> None:
    """After a quarter of an hour the second factor has to be shown again; the secret changes with it."""
    _, ana = _with_ana(office)
    visitor = office.visitor(ana)
    assert office.staffing.fresh(visitor)
    office.later(16 * MINUTE_MS)
    assert not office.staffing.fresh(visitor)
    with pytest.raises(AccessRefused, match="second factor again"):
        office.staffing.enrolling.new_recovery_codes(visitor)
    renewed = office.staffing.confirm_with_code(visitor, office.code(ANA), office.client())
    assert office.staffing.visitor(ana.token) is None
    assert office.visitor(renewed).actor.session == visitor.actor.session
    assert office.staffing.fresh(office.visitor(renewed))
    with pytest.raises(WrongCode):
        office.staffing.confirm_with_code(visitor, office.code(ANA), office.client())


def test_asking_again_takes_ones_own_passkey_only(office: Office) -> None:
    """A colleague's passkey does not confirm."""
    manager, ana = _with_ana(office)
    options, sealed = office.staffing.ask_to_confirm(manager)
    mia = office.keys["mia@example.com"]
    with pytest.raises(PasskeyRefused):
        office.staffing.confirm_with_passkey(
            office.visitor(ana), sealed, mia.show(options), office.client()
        )
    options, sealed = office.staffing.ask_to_confirm(manager)
    assert office.staffing.confirm_with_passkey(manager, sealed, mia.show(options), office.client())


def test_a_link_of_whoever_runs_the_server_signs_in_once(office: Office) -> None:
    """It opens for an hour, once, is recorded, and counts as no second factor."""
    _with_ana(office)
    with office.desk.writing() as connection:
        account = accounts.account_of_mail(connection, ANA)
        assert account is not None
        link = office.staffing.personnel.sign_in_link_as(connection, founder("staff"), account)
    token = link.rpartition("/")[2]
    assert "/sign-in/link/" in link
    assert office.staffing.signing_in.link_of(token)
    visitor = office.visitor(office.staffing.signing_in.link(token, office.client()))
    assert not visitor.actor.second_factor
    with pytest.raises(TooLate):
        office.staffing.signing_in.link(token, office.client())
    with office.desk.writing() as connection:
        late = office.staffing.personnel.sign_in_link_as(connection, founder("staff"), account)
    office.later(HOUR_MS)
    assert office.staffing.signing_in.link_of(late.rpartition("/")[2]) is None
    assert any("sign-in link" in note for _, _, note in office.told())


def test_hashes_are_made_anew_when_costs_change(office: Office) -> None:
    """The next sign-in keeps the password under the costs in force."""
    _with_ana(office)
    office.access.hashing = Hashing(chance(5).randbytes, Costs(128, 1, 1))
    office.sign_in(ANA)
    with office.desk.reading() as connection:
        account = accounts.account_of_mail(connection, ANA)
    assert account is not None
    assert account.password.startswith("$argon2id$v=19$m=128,")
    office.sign_in(ANA)


def test_an_invitation_is_too_old_after_three_days(kept_office: Office) -> None:
    """Then a new one is needed, and the earlier link stays dead."""
    manager = kept_office.visitor(kept_office.found())
    staff, link = kept_office.invite(manager, ANA, "auditor")
    kept_office.later(3 * DAY_MS)
    token = link.rpartition("/")[2]
    assert kept_office.staffing.enrolling.invitation(token) is None
    with pytest.raises(AccessRefused):
        kept_office.accept_with_password(link, ANA)
    signing_in, key = kept_office.staffing.signing_in, kept_office.keys["mia@example.com"]
    options, sealed = signing_in.ask_for_passkey()
    manager = kept_office.visitor(
        signing_in.passkey(sealed, key.show(options), kept_office.client())
    )
    assert kept_office.staffing.personnel.person(manager.actor, staff).state == "expired"
    again = kept_office.staffing.personnel.invite_again(manager, staff)
    assert kept_office.accept_with_password(again, ANA)


def test_many_guesses_at_once_are_not_more_than_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of thirty at the same moment five are looked at, as if they had come one by one, and those who
    find no place are told to come again, not counted as failed."""
    office = Office(tmp_path / "desk.db")
    _with_ana(office)
    looked: list[str] = []
    fits = Hashing.fits

    def slow(self: Hashing, secret: str, kept: str) -> bool:
        looked.append(secret)
        time.sleep(0.02)
        return fits(self, secret, kept)

    monkeypatch.setattr(Hashing, "fits", slow)

    def guess(number: int) -> str:
        try:
            office.staffing.signing_in.password(ANA, f"guess number {number}", office.client())
        except AccessRefused as refused:
            return type(refused).__name__
        return "in"

    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(guess, range(30)))
    assert set(answers) <= {"MustWait", "Wrong", "Busy"}
    assert answers.count("Wrong") == len(looked) == 5
    monkeypatch.setattr(Hashing, "fits", fits)
    office.later(MINUTE_MS)
    assert office.sign_in(ANA)
    office.desk.close()


def test_pages_are_read_while_nothing_can_be_written(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk does not sign anybody out: that a session is used is then not written down."""
    _, ana = _with_ana(office)
    office.later(2 * MINUTE_MS)

    def full() -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(office.desk, "writing", full)
    assert office.visitor(ana).actor.name == "Ana Li"


def test_whoever_came_by_a_link_can_set_up_a_second_factor(office: Office) -> None:
    """Also later than a quarter of an hour: there is nothing yet that could be asked for again."""
    manager = office.visitor(office.found())
    staff, _ = office.invite(manager, ANA, "rule_approver")
    with office.desk.writing() as connection:
        account = accounts.account(connection, staff)
        assert account is not None
        link = office.staffing.personnel.sign_in_link_as(connection, founder("staff"), account)
    ana = office.visitor(office.staffing.signing_in.link(link.rpartition("/")[2], office.client()))
    office.later(20 * MINUTE_MS)
    assert not office.staffing.fresh(ana)
    key = Authenticator(ORIGIN, HOST, 50)
    options, sealed = office.staffing.enrolling.ask_for_passkey(ana)
    office.staffing.enrolling.add_passkey(ana, sealed, key.make(options), "laptop")
    with pytest.raises(AccessRefused, match="second factor again"):
        office.staffing.enrolling.set_password(ana, "", PASSWORD)
    options, sealed = office.staffing.ask_to_confirm(ana)
    office.staffing.confirm_with_passkey(ana, sealed, key.show(options), office.client())
    assert office.staffing.fresh(ana)
    office.staffing.enrolling.set_password(ana, "", PASSWORD)
