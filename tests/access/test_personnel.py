"""Who comes, who goes, and what they may do."""

from __future__ import annotations

from itertools import combinations

import pytest

from kanhe.app.access import SignedIn
from kanhe.app.enrolling import NotFresh
from kanhe.app.personnel import NotFound
from kanhe.core.actor import Visitor
from kanhe.core.time import MINUTE_MS
from kanhe.protect.access.accounts import AccessRefused
from kanhe.protect.access.passwords import PasswordRefused
from kanhe.protect.access.roles import BUILT_IN, CONFLICTS, RoleError
from tests.access.authenticator import Authenticator
from tests.access.office import HOST, ORIGIN, PASSWORD, Office

ANA = "ana@example.com"


@pytest.fixture
def manager(office: Office) -> Visitor:
    """Mia, the first security manager."""
    return office.visitor(office.found())


def _ana(office: Office, manager: Visitor, *roles: str, tenant: str = "") -> SignedIn:
    _, link = office.invite(manager, ANA, *(roles or ("risk_analyst",)), tenant=tenant)
    return office.accept_with_password(link, ANA)


def test_an_invitation_is_told_of(office: Office, manager: Visitor) -> None:
    """Inviting is an event, is announced without the link, and shows until when it opens."""
    staff, link = office.invite(manager, ANA, "auditor", name="Ana Li")
    person = office.staffing.personnel.person(manager.actor, staff)
    assert (person.state, person.account.roles) == ("invited", ("auditor",))
    assert link.startswith(f"{ORIGIN}/first/")
    assert ("granted_access", "account", f"invited {staff} as auditor") in office.told()
    assert office.news() == ["staff.invited"]
    assert link.rpartition("/")[2] not in str(office.told())


@pytest.mark.parametrize(
    "roles",
    [
        pair
        for pair in combinations([role.name for role in BUILT_IN], 2)
        if any(
            {first, second} <= frozenset().union(*(r.permissions for r in BUILT_IN if r.name in pair))
            for first, second, _ in CONFLICTS
        )
    ],
    ids="+".join,
)  # fmt: skip
def test_duties_stay_apart_when_roles_are_given(
    office: Office, manager: Visitor, roles: tuple[str, ...]
) -> None:
    """Neither an invitation nor a change gives two duties that stay apart to one person."""
    with pytest.raises(RoleError):
        office.invite(manager, ANA, *roles)
    staff, _ = office.invite(manager, ANA, roles[0])
    with pytest.raises(RoleError):
        office.staffing.personnel.set_roles(manager, staff, roles)
    assert office.staffing.personnel.person(manager.actor, staff).account.roles == (roles[0],)


def test_nobody_changes_their_own_access(office: Office, manager: Visitor) -> None:
    """Not their roles, not their being there, and no new invitation for themselves."""
    personnel, me = office.staffing.personnel, manager.actor.staff
    for act in (
        lambda: personnel.set_roles(manager, me, ("auditor",)),
        lambda: personnel.disable(manager, me),
        lambda: personnel.invite_again(manager, me),
    ):
        with pytest.raises(AccessRefused, match="nobody changes their own"):
            act()


def test_two_managers_cannot_shut_each_other_out(office: Office, manager: Visitor) -> None:
    """Whoever is disabled first can do nothing any more, so that one who manages staff is always left."""
    _, link = office.invite(manager, "bo@example.com", "security_manager")
    bo = office.visitor(office.accept_with_password(link, "bo@example.com"))
    personnel = office.staffing.personnel
    personnel.disable(bo, manager.actor.staff)
    with pytest.raises(AccessRefused, match="session has ended"):
        personnel.disable(manager, bo.actor.staff)
    with pytest.raises(AccessRefused, match="nobody changes their own"):
        personnel.disable(bo, bo.actor.staff)


def test_a_role_that_manages_staff_cannot_be_emptied(office: Office, manager: Visitor) -> None:
    """Where only an own role lets somebody manage staff, that role keeps the permission."""
    personnel = office.staffing.personnel
    personnel.save_role(manager, "lead", "Lead", ("staff.manage", "roles.manage"), new=True)
    _, link = office.invite(manager, "bo@example.com", "lead")
    bo = office.visitor(office.accept_with_password(link, "bo@example.com"))
    personnel.disable(bo, manager.actor.staff)
    with pytest.raises(AccessRefused, match="you have this role"):
        personnel.save_role(bo, "lead", "Lead", ("queue.read",), new=False)
    assert office.staffing.personnel.roles()["lead"].permissions == {"staff.manage", "roles.manage"}


def test_roles_take_effect_at_once(office: Office, manager: Visitor) -> None:
    """What somebody may do follows their roles within the session they have."""
    ana = _ana(office, manager)
    assert office.visitor(ana).may("lists.edit")
    office.staffing.personnel.set_roles(manager, ana.staff, ("customer_service",))
    assert not office.visitor(ana).may("lists.edit")
    told = office.told()
    assert ("granted_access", "account", f"{ana.staff}: customer_service") in told
    assert ("revoked_access", "account", f"{ana.staff}: risk_analyst") in told


def test_accepting_again_takes_earlier_ways_in_away(office: Office, manager: Visitor) -> None:
    """A new invitation for somebody with an account ends their sessions, password, app and passkeys."""
    ana = _ana(office, manager)
    link = office.staffing.personnel.invite_again(manager, ana.staff)
    assert office.visitor(ana)
    office.accept_with_passkey(link, ANA)
    assert office.staffing.visitor(ana.token) is None
    with pytest.raises(AccessRefused):
        office.sign_in(ANA)


def test_only_the_newest_link_opens(office: Office, manager: Visitor) -> None:
    """A new invitation makes the one before open nothing."""
    staff, old = office.invite(manager, ANA, "auditor")
    new = office.staffing.personnel.invite_again(manager, staff)
    with pytest.raises(AccessRefused):
        office.accept_with_password(old, ANA)
    assert office.accept_with_password(new, ANA)


def test_people_of_a_tenant_see_their_own_only(office: Office, manager: Visitor) -> None:
    """Another tenant's people are not there, and nobody is invited into another tenant or the platform."""
    ana = office.visitor(_ana(office, manager, "security_manager", tenant="shop-a"))
    other, link = office.invite(manager, "bo@example.com", "auditor", tenant="shop-b")
    bo = office.accept_with_password(link, "bo@example.com")
    personnel = office.staffing.personnel
    assert [p.account.mail for p in personnel.people(ana.actor)] == [ANA]
    assert len(personnel.people(manager.actor)) == 3
    for staff in (other, manager.actor.staff, "st-nobody"):
        for act in (
            lambda staff=staff: personnel.person(ana.actor, staff),
            lambda staff=staff: personnel.disable(ana, staff),
            lambda staff=staff: personnel.set_roles(ana, staff, ("auditor",)),
            lambda staff=staff: personnel.invite_again(ana, staff),
        ):
            with pytest.raises(NotFound):
                act()
    with pytest.raises(NotFound):
        personnel.end_session(ana, office.visitor(bo).actor.session)
    with pytest.raises(NotFound):
        office.invite(ana, "cy@example.com", "auditor", tenant="shop-b")
    mine, _ = office.invite(ana, "di@example.com", "auditor")
    assert personnel.person(ana.actor, mine).account.tenant == "shop-a"
    with pytest.raises(NotFound):
        personnel.save_role(ana, "own", "Own", ("queue.read",), new=True)
    assert {one.mail for one in personnel.open_sessions(ana.actor)} == {ANA}


def test_sessions_are_seen_and_ended(office: Office, manager: Visitor) -> None:
    """A manager sees who is signed in and ends it at once; it is told of."""
    ana = _ana(office, manager)
    personnel = office.staffing.personnel
    (found,) = [one for one in personnel.open_sessions(manager.actor) if one.mail == ANA]
    assert found.session.device == "Chrome · Windows"
    personnel.end_session(manager, found.session.handle)
    assert office.staffing.visitor(ana.token) is None
    assert any(note.startswith("ended session") for *_, note in office.told())
    with pytest.raises(NotFound):
        personnel.end_session(manager, "ss-nothing")


def test_ones_own_devices(office: Office, manager: Visitor) -> None:
    """One signs out elsewhere, one by one or everywhere; another's session cannot be ended so."""
    ana = _ana(office, manager)
    visitor = office.visitor(ana)
    second = office.sign_in(ANA)
    third = office.sign_in(ANA)
    assert len(office.staffing.own_sessions(visitor)) == 3
    office.staffing.end_own(visitor, office.visitor(second).actor.session)
    assert office.staffing.visitor(second.token) is None
    with pytest.raises(AccessRefused):
        office.staffing.end_own(visitor, manager.actor.session)
    assert office.staffing.end_others(visitor) == 1
    assert office.staffing.visitor(third.token) is None
    assert office.visitor(ana)


def test_own_roles(office: Office, manager: Visitor) -> None:
    """An own role is made, given, changed and removed; none joins what stays apart, in nobody."""
    personnel = office.staffing.personnel
    personnel.save_role(manager, "night", "Night watch 夜班", ("queue.read", "live.read"), new=True)
    ana = _ana(office, manager, "night", "rule_approver")
    assert office.visitor(ana).may("live.read")
    with pytest.raises(RoleError, match="may not approve"):
        personnel.save_role(manager, "night", "Night", ("rules.propose",), new=False)
    assert office.visitor(ana).may("queue.read")
    personnel.save_role(manager, "night", "Night", ("audit.read",), new=False)
    assert office.visitor(ana).may("audit.read")
    assert not office.visitor(ana).may("cases.work")
    with pytest.raises(AccessRefused, match="somebody has this role"):
        personnel.remove_role(manager, "night")
    personnel.set_roles(manager, ana.staff, ("rule_approver",))
    personnel.remove_role(manager, "night")
    assert "night" not in personnel.roles()
    for name in ("night", "auditor"):
        with pytest.raises(AccessRefused):
            personnel.remove_role(manager, name)


def test_managing_asks_for_a_fresh_second_factor(office: Office, manager: Visitor) -> None:
    """After a quarter of an hour nothing is changed before the second factor was shown again."""
    staff, _ = office.invite(manager, ANA, "auditor")
    office.later(16 * MINUTE_MS)
    personnel = office.staffing.personnel
    for act in (
        lambda: office.invite(manager, "bo@example.com", "auditor"),
        lambda: personnel.set_roles(manager, staff, ("engineer",)),
        lambda: personnel.disable(manager, staff),
        lambda: personnel.enable(manager, staff),
        lambda: personnel.invite_again(manager, staff),
        lambda: personnel.save_role(manager, "own", "Own", ("queue.read",), new=True),
        lambda: personnel.remove_role(manager, "own"),
    ):
        with pytest.raises(NotFresh):
            act()


@pytest.mark.parametrize(
    ("mail", "name"),
    [("no mail", "Ana"), ("a@b c", "Ana"), ("<script>@x.y", "Ana"), (ANA, ""), (ANA, "x" * 81),
     (ANA, "a\x00b"), (ANA, "\u202e"), ("a@" + "x" * 300, "Ana")],
)  # fmt: skip
def test_names_and_addresses_are_checked(
    office: Office, manager: Visitor, mail: str, name: str
) -> None:
    """What is no address or no name is refused with a text that says so."""
    with pytest.raises(AccessRefused):
        office.invite(manager, mail, "auditor", name=name)


def test_one_address_has_one_account(office: Office, manager: Visitor) -> None:
    """Whatever its capitals."""
    office.invite(manager, ANA, "auditor")
    with pytest.raises(AccessRefused, match="an account with this address"):
        office.invite(manager, "ANA@example.com", "engineer")


def test_nothing_is_taken_away_that_leaves_no_way_in(office: Office, manager: Visitor) -> None:
    """The last passkey, and the app beside a password, stay until there is another way."""
    enrolling, staffing = office.staffing.enrolling, office.staffing
    (only,) = staffing.passkeys(manager)
    with pytest.raises(AccessRefused, match="nothing would be left"):
        enrolling.remove_passkey(manager, only.id)
    ana = office.visitor(_ana(office, manager))
    with pytest.raises(AccessRefused, match="nothing would be left"):
        enrolling.remove_app(ana)
    key = Authenticator(ORIGIN, HOST, 77)
    options, sealed = enrolling.ask_for_passkey(ana)
    enrolling.add_passkey(ana, sealed, key.make(options), "phone")
    enrolling.remove_app(ana)
    assert [one.name for one in staffing.passkeys(ana)] == ["phone"]
    enrolling.rename_passkey(ana, staffing.passkeys(ana)[0].id, "手机")
    with pytest.raises(AccessRefused):
        enrolling.rename_passkey(manager, staffing.passkeys(ana)[0].id, "mine")
    with pytest.raises(AccessRefused):
        enrolling.remove_passkey(manager, staffing.passkeys(ana)[0].id)


def test_a_passkey_is_made_for_whom_it_was_asked(office: Office, manager: Visitor) -> None:
    """A question that was put to one person is not answered into another's account, nor twice."""
    enrolling = office.staffing.enrolling
    ana = office.visitor(_ana(office, manager))
    options, sealed = enrolling.ask_for_passkey(manager)
    answer = Authenticator(ORIGIN, HOST, 78).make(options)
    with pytest.raises(AccessRefused, match="somebody else"):
        enrolling.add_passkey(ana, sealed, answer, "phone")
    enrolling.add_passkey(manager, sealed, answer, "phone")
    with pytest.raises(AccessRefused):
        enrolling.add_passkey(manager, sealed, answer, "phone")


def test_a_password_is_changed(office: Office, manager: Visitor) -> None:
    """With the old one and a good new one; other sessions end, this one stays."""
    signed_in = _ana(office, manager)
    ana, enrolling = office.visitor(signed_in), office.staffing.enrolling
    other = office.sign_in(ANA)
    with pytest.raises(AccessRefused, match="present password"):
        enrolling.set_password(ana, "wrong", "violet engine 44 rain")
    with pytest.raises(PasswordRefused, match="at least 8"):
        enrolling.set_password(ana, PASSWORD, "short")
    with pytest.raises(PasswordRefused, match="names that others know"):
        enrolling.set_password(ana, PASSWORD, "ana@example.com")
    enrolling.set_password(ana, PASSWORD, "violet engine 44 rain")
    assert office.staffing.visitor(other.token) is None
    assert office.visitor(signed_in)
    with pytest.raises(AccessRefused):
        office.sign_in(ANA)


def test_personal_data_is_unmasked_for_a_reason_and_a_while(
    office: Office, manager: Visitor
) -> None:
    """Without a reason nothing; with one this session sees this subject for a quarter of an hour."""
    ana, staffing = office.visitor(_ana(office, manager)), office.staffing
    for reason in ("", "because", "x" * 501):
        with pytest.raises(AccessRefused, match="why you need"):
            staffing.reveal(ana, "case:17", reason)
    assert not staffing.sees_clear(ana, "case:17")
    staffing.reveal(ana, "case:17", "the buyer called about order 8841", tenant="shop", user="u-1")
    assert staffing.sees_clear(ana, "case:17")
    assert not staffing.sees_clear(ana, "case:18")
    assert not staffing.sees_clear(manager, "case:17")
    assert ("unmasked", "customer", "the buyer called about order 8841") in office.told()
    office.later(15 * MINUTE_MS)
    assert not staffing.sees_clear(ana, "case:17")


def test_preferences_are_kept(office: Office, manager: Visitor) -> None:
    """Language, theme and time zone are remembered; nonsense is refused."""
    signed_in = _ana(office, manager)
    office.staffing.prefer(
        office.visitor(signed_in), language="zh_CN", theme="dark", time_zone="Asia/Shanghai"
    )
    ana = office.visitor(signed_in)
    assert (ana.language, ana.theme, ana.time_zone) == ("zh_CN", "dark", "Asia/Shanghai")
    for wrong in ({"language": "xx"}, {"theme": "<b>"}, {"time_zone": "../etc"}, {"name": "x"}):
        with pytest.raises(AccessRefused):
            office.staffing.prefer(ana, **wrong)


def test_colleagues_are_those_who_work_on_cases(office: Office, manager: Visitor) -> None:
    """Analysts and customer service of the tenant and of the platform; nobody who was disabled."""
    ana = _ana(office, manager)
    office.invite(manager, "bo@example.com", "customer_service", name="Bo", tenant="shop-a")
    office.invite(manager, "cy@example.com", "auditor", name="Cy")
    colleagues = office.staffing.colleagues
    assert {one.name for one in colleagues.colleagues("shop-a")} == {"Bo", "Mia Chen", "Somebody"}
    assert {one.name for one in colleagues.colleagues("shop-b")} == {"Mia Chen", "Somebody"}
    assert colleagues.may_assign(manager.actor)
    assert not colleagues.may_assign(office.visitor(ana).actor)
    office.staffing.personnel.disable(manager, ana.staff)
    assert {one.name for one in colleagues.colleagues("")} == {"Bo", "Mia Chen"}
