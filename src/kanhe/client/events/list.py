"""Events `list.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class ListEntryAdded(KnownEvent, kw_only=True, frozen=True, tag="list.entry_added"):
    """An entry was put on a list of the policy pack. `staff` is its author.

    名单新增条目。staff 为添加人。

    The key needs the scope `lists`. 密钥须具有 `lists` 权限。
    """

    list_name: fields.ListName
    value: fields.Value
    staff: fields.Staff
    approver: fields.Approver | None = None
    ticket: fields.Ticket | None = None
    expires_ms: fields.ExpiresMs | None = None
    subject_event: fields.SubjectEvent | None = None
    note: fields.Note | None = None


class ListEntryRemoved(KnownEvent, kw_only=True, frozen=True, tag="list.entry_removed"):
    """An entry was taken off a list. `staff` is who did it.

    名单移除条目。staff 为操作人。

    The key needs the scope `lists`. 密钥须具有 `lists` 权限。
    """

    list_name: fields.ListName
    value: fields.Value
    staff: fields.Staff
    approver: fields.Approver | None = None
    ticket: fields.Ticket | None = None
    subject_event: fields.SubjectEvent | None = None
    note: fields.Note | None = None
