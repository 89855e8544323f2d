"""What can be heard of from outside: one list for webhooks, mail and the pages that choose."""

from __future__ import annotations

from typing import NamedTuple

from kanhe.core.decision import Text


class Topic(NamedTuple):
    """Something that happens at the desk."""

    name: str
    text: Text
    mailed: bool = False
    """Whether it can come by mail: what concerns one person."""


TOPICS: tuple[Topic, ...] = (
    Topic("alert.raised", Text("An alert was raised", "产生告警")),
    Topic("case.opened", Text("A case was opened", "新建案件")),
    Topic("case.assigned", Text("A case was handed to somebody", "案件被分派"), mailed=True),
    Topic(
        "case.mentioned", Text("Somebody was mentioned in a note", "备注中提及某人"), mailed=True
    ),
    Topic("case.escalated", Text("A case was escalated", "案件升级"), mailed=True),
    Topic("case.resolved", Text("A case was resolved", "案件结案")),
    Topic("case.reopened", Text("A case was opened again", "案件重新打开")),
    Topic("staff.invited", Text("Somebody was invited", "邀请新员工")),
    Topic("policy.step", Text("A policy pack took a step", "策略包状态变更")),
    Topic("governor.tripped", Text("The governor holds a rule", "规则触发限额")),
)
"""In the order in which pages list them."""

NAMES = frozenset(topic.name for topic in TOPICS)
TEST_TOPIC = "webhook.test"
"""What a test message is called; nobody needs to ask for it."""
