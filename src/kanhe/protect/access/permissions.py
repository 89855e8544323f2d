"""Every permission by its name, and the one place where it is checked.

A page, a button and a command name the permission they need; `may` says whether somebody has it.
Nothing else compares names of permissions, and nothing asks for a role: roles are only bundles of
these names (`roles`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kanhe.core.decision import Text
from kanhe.core.errors import KanheError


class UnknownPermission(KanheError):
    """Somebody asked for a permission that does not exist: a mistake in the code that asks."""


class Permission(NamedTuple):
    """One thing that somebody may do."""

    name: str
    label: Text
    """A few words, for the matrix of roles."""
    meaning: Text
    """What it opens, in a sentence."""

    @property
    def reads(self) -> bool:
        """Whether it only lets look: what an auditor has."""
        return self.name.endswith(".read")


def _permission(name: str, en: str, zh: str, meaning_en: str, meaning_zh: str) -> Permission:
    return Permission(name, Text(en, zh), Text(meaning_en, meaning_zh))


PERMISSIONS: tuple[Permission, ...] = (
    _permission(
        "queue.read", "See queues and cases", "查看队列与案件",
        "Look at alerts, queues and cases with their notes and files.",
        "查看告警、队列和案件，包括备注与证据文件。",
    ),
    _permission(
        "cases.work", "Work on cases", "处置案件",
        "Take, decide, snooze, escalate, merge and split cases; write notes and add files.",
        "领取、处置、暂缓、升级、合并和拆分案件，撰写备注，上传证据。",
    ),
    _permission(
        "cases.assign", "Assign cases", "分派案件",
        "Give cases to others, and take them back.",
        "将案件分派给他人，或收回。",
    ),
    _permission(
        "cases.review", "Review closed cases", "案件质检",
        "Look a second time at cases that others closed.",
        "对他人已结案件进行质检复核。",
    ),
    _permission(
        "decisions.read", "See decisions", "查看判定",
        "Look at decisions with their inputs, features and reasons.",
        "查看判定结果及其输入、特征和理由。",
    ),
    _permission(
        "entities.read", "See entities", "查看实体",
        "Look at all that is known of an account, card, device or address.",
        "查看账号、银行卡、设备、地址等实体的全部关联信息。",
    ),
    _permission(
        "personal.reveal", "Unmask personal data", "查看个人信息明文",
        "See masked values in clear; every time asks for a reason and is recorded.",
        "查看脱敏字段的明文；每次都须填写理由并留痕。",
    ),
    _permission("lists.read", "See lists", "查看名单", "Look at lists and their entries.", "查看名单及其条目。"),
    _permission(
        "lists.edit", "Edit lists", "维护名单",
        "Add entries to lists, and remove them.",
        "新增、移除名单条目。",
    ),
    _permission(
        "rules.read", "See rules", "查看规则",
        "Look at rules, models and policy packs, and at their hit rates.",
        "查看规则、模型和策略包，以及命中情况。",
    ),
    _permission(
        "rules.propose", "Propose rules", "提交规则",
        "Write rules and propose policy packs, with their backtests.",
        "编写规则、提交策略包并进行回测。",
    ),
    _permission(
        "rules.approve", "Approve rules", "审批规则",
        "Approve what somebody else proposed, put it in force, and roll it back.",
        "审批他人提交的策略包，上线或回滚。",
    ),
    _permission(
        "live.read", "See live traffic", "查看实时大盘",
        "Look at events and decisions as they come, and at the health of the system.",
        "查看实时事件与判定，以及系统运行状态。",
    ),
    _permission(
        "analytics.read", "See analytics", "查看统计分析",
        "Look at outcome rates, money, load and times.",
        "查看各类处置占比、金额、工作量和时效统计。",
    ),
    _permission(
        "audit.read", "See the audit trail", "查看操作审计",
        "Look at who of the staff did what.",
        "查看员工的操作记录。",
    ),
    _permission(
        "staff.read", "See staff", "查看员工",
        "Look at staff, their roles and their sessions.",
        "查看员工及其角色和登录会话。",
    ),
    _permission(
        "staff.manage", "Manage staff", "管理员工",
        "Invite and disable people, give them roles, end their sessions.",
        "邀请、停用员工，分配角色，强制下线。",
    ),
    _permission(
        "roles.manage", "Manage roles", "管理角色",
        "Make roles and change what they may do.",
        "新建角色，调整角色权限。",
    ),
    _permission(
        "keys.manage", "Manage API keys", "管理 API 密钥",
        "Make and revoke API keys.",
        "创建、吊销 API 密钥。",
    ),
    _permission(
        "webhooks.manage", "Manage webhooks", "管理 Webhook",
        "Set up webhooks, and send messages again.",
        "配置 Webhook，重新投递消息。",
    ),
    _permission(
        "settings.read", "See settings", "查看设置",
        "Look at API keys, webhooks and settings; secrets are never shown.",
        "查看 API 密钥、Webhook 和各项设置；不显示任何密钥内容。",
    ),
)  # fmt: skip
"""All there are, in the order in which the matrix of roles shows them."""

NAMES = frozenset(permission.name for permission in PERMISSIONS)
_BY_NAME = {permission.name: permission for permission in PERMISSIONS}


def may(held: Iterable[str], permission: str) -> bool:
    """Whether somebody who holds these permissions has this one: the only such check there is.

    Raises `UnknownPermission` for a name that does not exist, so that a typing mistake neither opens
    nor closes a door in silence.
    """
    return known(permission).name in (held if isinstance(held, frozenset) else frozenset(held))


def known(name: str) -> Permission:
    """The permission of this name. Raises `UnknownPermission`."""
    found = _BY_NAME.get(name)
    if found is None:
        raise UnknownPermission(f"there is no permission {name!r}; PERMISSIONS lists all")
    return found
