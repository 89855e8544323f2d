"""Permissions, roles, and the duties that stay apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.protect.access.permissions import NAMES, PERMISSIONS, UnknownPermission, may
from kanhe.protect.access.roles import (
    BUILT_IN,
    CONFLICTS,
    RoleError,
    check_grant,
    conflicts_of,
    granted,
    own_role,
)

ROLES = {role.name: role for role in BUILT_IN}


def test_a_name_that_does_not_exist_is_a_mistake() -> None:
    """Asking for an unknown permission neither allows nor denies: it fails loudly."""
    with pytest.raises(UnknownPermission, match=r"cases\.wrok"):
        may(NAMES, "cases.wrok")


@given(st.frozensets(st.sampled_from(sorted(NAMES))), st.sampled_from(sorted(NAMES)))
def test_only_what_is_held_is_allowed(held: frozenset[str], asked: str) -> None:
    """Somebody may do what they hold, and nothing else."""
    assert may(held, asked) == (asked in held)


def test_everything_is_said_in_both_languages() -> None:
    """Each permission and each role has a title and a meaning in English and in Chinese."""
    texts = [text for p in PERMISSIONS for text in (p.label, p.meaning)]
    texts += [text for role in BUILT_IN for text in (role.label, role.meaning)]
    texts += [text for *_, text in CONFLICTS]
    assert all(text.en and any("一" <= c <= "鿿" for c in text.zh) for text in texts)
    assert len(NAMES) == len(PERMISSIONS)


def test_the_auditor_reads_everything_and_nothing_else() -> None:
    """What an auditor holds is every permission that only looks."""
    assert ROLES["auditor"].permissions == {name for name in NAMES if name.endswith(".read")}


def test_every_permission_is_in_some_role() -> None:
    """There is no door that no role opens."""
    assert frozenset().union(*(role.permissions for role in BUILT_IN)) == NAMES


@pytest.mark.parametrize("role", BUILT_IN, ids=lambda role: role.name)
def test_no_role_that_comes_with_kanhe_joins_what_stays_apart(role: object) -> None:
    """The six roles themselves keep the duties apart."""
    assert conflicts_of(role.permissions) == ()  # type: ignore[attr-defined]  # a Role


@given(st.frozensets(st.sampled_from(sorted(ROLES)), min_size=1))
def test_no_roles_together_join_what_stays_apart(roles: frozenset[str]) -> None:
    """Whatever roles somebody is given, they never hold two duties that stay apart."""
    try:
        wanted = check_grant(roles, ROLES)
    except RoleError:
        assert conflicts_of(granted(roles, ROLES))
    else:
        held = granted(wanted, ROLES)
        assert not any(first in held and second in held for first, second, _ in CONFLICTS)


@given(st.frozensets(st.sampled_from(sorted(NAMES)), min_size=1))
def test_own_roles_keep_duties_apart(permissions: frozenset[str]) -> None:
    """A role of one's own is refused exactly when it joins what stays apart."""
    if conflicts_of(permissions):
        with pytest.raises(RoleError):
            own_role("own", "Own", permissions)
    else:
        assert own_role("own", "Own", permissions).permissions == permissions


@pytest.mark.parametrize(
    ("name", "label", "permissions"),
    [
        ("auditor", "Auditor", {"queue.read"}),
        ("Big", "x", {"queue.read"}),
        ("own", "", {"queue.read"}),
        ("own", "a\nb", {"queue.read"}),
        ("own", "x" * 61, {"queue.read"}),
        ("own", "x", set()),
    ],
)
def test_own_roles_are_checked(name: str, label: str, permissions: set[str]) -> None:
    """A name of one that comes with Kanhe, a title that cannot be read, and an empty role are refused."""
    with pytest.raises(RoleError):
        own_role(name, label, permissions)


def test_a_role_that_is_gone_gives_nothing() -> None:
    """Somebody whose role was removed keeps no permission of it."""
    assert granted(["gone"], ROLES) == frozenset()
    with pytest.raises(RoleError, match="gone"):
        check_grant(["gone"], ROLES)
