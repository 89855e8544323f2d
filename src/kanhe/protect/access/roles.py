"""Roles: bundles of permissions under a name, and the duties that no one person may hold together.

Separation of duties is checked over all that somebody holds, whichever roles it comes from, both
when a role is made or changed and when roles are given to a person (ANSI INCITS 359, static
separation of duty).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kanhe.core.decision import Text
from kanhe.core.errors import KanheError
from kanhe.protect.access.permissions import NAMES, PERMISSIONS, known


class RoleError(KanheError):
    """A role, or what somebody was to be given, is not allowed. `text` says why, in both languages."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class Role(NamedTuple):
    """A bundle of permissions."""

    name: str
    label: Text
    meaning: Text
    permissions: frozenset[str]
    built_in: bool = False
    """Those that come with Kanhe are the same everywhere and cannot be changed."""


_READS = frozenset(permission.name for permission in PERMISSIONS if permission.reads)


def _role(
    name: str, en: str, zh: str, meaning_en: str, meaning_zh: str, permissions: frozenset[str]
) -> Role:
    return Role(name, Text(en, zh), Text(meaning_en, meaning_zh), permissions, built_in=True)


SECURITY_MANAGER = "security_manager"
"""Whoever comes in first has it, and somebody always has."""

BUILT_IN: tuple[Role, ...] = (
    _role(
        SECURITY_MANAGER, "Security manager", "安全主管",
        "Answers for staff and roles, works on cases, assigns and reviews them; neither proposes nor approves rules.",
        "负责员工与角色管理，处置、分派和质检案件；不提交也不审批规则。",
        _READS | {"staff.manage", "roles.manage", "cases.work", "cases.assign", "cases.review"},
    ),
    _role(
        "risk_analyst", "Risk analyst", "风控分析师",
        "Decides cases, keeps lists, proposes rules.",
        "处置案件，维护名单，提交规则。",
        frozenset({
            "queue.read", "cases.work", "decisions.read", "entities.read", "personal.reveal",
            "lists.read", "lists.edit", "rules.read", "rules.propose", "live.read", "analytics.read",
        }),
    ),
    _role(
        "rule_approver", "Rule approver", "规则审批人",
        "Approves what others propose, and puts it in force; reviews closed cases.",
        "审批他人提交的规则并上线，质检已结案件。",
        frozenset({
            "queue.read", "cases.review", "decisions.read", "entities.read", "lists.read",
            "rules.read", "rules.approve", "live.read", "analytics.read",
        }),
    ),
    _role(
        "customer_service", "Customer service", "客服",
        "Works on the cases of buyers and merchants who call.",
        "处理来电买家和商家相关的案件。",
        frozenset({
            "queue.read", "cases.work", "decisions.read", "entities.read", "personal.reveal",
        }),
    ),
    _role(
        "engineer", "Engineer", "工程师",
        "Connects systems and proposes models and rules; sees no cases.",
        "负责系统对接，提交模型与规则；不接触案件。",
        frozenset({
            "decisions.read", "lists.read", "rules.read", "rules.propose", "live.read",
            "analytics.read", "keys.manage", "webhooks.manage", "settings.read",
        }),
    ),
    _role(
        "auditor", "Auditor", "审计员",
        "Reads everything, changes nothing, and sees personal data masked.",
        "可查看全部内容，不能作任何更改；个人信息始终脱敏。",
        _READS,
    ),
)  # fmt: skip

CONFLICTS: tuple[tuple[str, str, Text], ...] = (
    (
        "rules.propose", "rules.approve",
        Text("whoever proposes rules may not approve them", "提交规则与审批规则须由不同人员承担"),
    ),
    *(
        (
            manages, decides,
            Text(
                "whoever gives out permissions may not propose or approve rules: a second account"
                " would approve the first one's",
                "分配权限的人员不得提交或审批规则，以免用另一账号自行审批",
            ),
        )
        for manages in ("staff.manage", "roles.manage")
        for decides in ("rules.propose", "rules.approve")
    ),
)  # fmt: skip
"""Pairs of permissions that nobody holds together, and why."""

_NAME = re.compile(r"(?!new$)[a-z][a-z0-9_]{1,39}")
"""`new` is the address of the form that makes one."""
_LABEL = 60
MOST_ROLES = 100
"""How many own roles there may be."""


def conflicts_of(permissions: Iterable[str]) -> tuple[Text, ...]:
    """Why somebody may not hold all of these; empty when they may."""
    held = frozenset(permissions)
    texts = (text for first, second, text in CONFLICTS if first in held and second in held)
    return tuple(dict.fromkeys(texts))


def own_role(name: str, label: str, permissions: Iterable[str]) -> Role:
    """A role of the installation's own. Raises `RoleError` if its name, label or permissions do not do."""
    held = frozenset(permissions)
    shown = label.strip()
    if not _NAME.fullmatch(name):
        raise RoleError(
            Text(
                "a role's name has 2 to 40 small letters, digits or _, and begins with a letter",
                "角色标识须为 2 至 40 个小写字母、数字或下划线，并以字母开头",
            )
        )
    if any(role.name == name for role in BUILT_IN):
        raise RoleError(
            Text(f"{name} comes with Kanhe and stays as it is", f"{name} 为内置角色，不能更改")
        )
    if not 1 <= len(shown) <= _LABEL or not shown.isprintable():
        raise RoleError(
            Text(
                f"a role's title has 1 to {_LABEL} printable characters",
                f"角色名称须为 1 至 {_LABEL} 个可见字符",
            )
        )
    if not held:
        raise RoleError(Text("choose at least one permission", "请至少选择一项权限"))
    for permission in held - NAMES:
        known(permission)
    _refuse_conflicts(held)
    return Role(name, Text(shown, shown), Text("", ""), held)


def granted(roles: Iterable[str], known_roles: Mapping[str, Role]) -> frozenset[str]:
    """All that somebody with these roles may do; a role that is gone gives nothing."""
    found = (known_roles[name].permissions for name in roles if name in known_roles)
    return frozenset[str]().union(*found)


def check_grant(roles: Iterable[str], known_roles: Mapping[str, Role]) -> tuple[str, ...]:
    """The roles to be given to somebody, each once and in order. Raises `RoleError` if one is unknown,
    there is none, or two of what they bring may not be held together."""
    wanted = tuple(sorted(set(roles)))
    for name in wanted:
        if name not in known_roles:
            raise RoleError(Text(f"there is no role {name[:40]!r}", f"没有 {name[:40]!r} 这个角色"))
    if not wanted:
        raise RoleError(Text("choose at least one role", "请至少选择一个角色"))
    _refuse_conflicts(granted(wanted, known_roles))
    return wanted


def _refuse_conflicts(permissions: frozenset[str]) -> None:
    found = conflicts_of(permissions)
    if found:
        raise RoleError(Text("; ".join(t.en for t in found), "；".join(t.zh for t in found)))
