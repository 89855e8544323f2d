"""What `kanhe label` tells."""

from __future__ import annotations

LABELS: dict[str, tuple[str, str]] = {
    "help.label": ("What turned out to be true of events.", "查看事件的事后标注。"),
    "help.label.show": (
        "Show all that was ever claimed about an event, and which claim holds.",
        "显示某个事件的全部标注，以及以哪一条为准。",
    ),
    "help.label.summary": (
        "Count what is known of all events, and what was refused and why.",
        "汇总全部事件的标注情况，并说明哪些标注未被采用及原因。",
    ),
    "opt.event_id": ("The id of the event, as its sender gave it.", "事件编号，由发送方给出。"),
    "opt.as_of": (
        "What was known then, such as 2026-01-31 (that day included); by default now.",
        "以该时间已知的标注为准，例如 2026-01-31（含当天）；默认为当前时间。",
    ),
    "label.progress": ("Reading labels", "正在读取标注"),
    "label.no_event": (
        "there is no event {event} of tenant {tenant}; it may have been erased, or belong to another"
        " --tenant",
        "租户 {tenant} 没有编号为 {event} 的事件：可能已被删除，也可能属于其他租户（--tenant）",
    ),
    "label.nothing": ("There are no events here.", "没有事件。"),
    "label.recorded": ("recorded only", "仅记录"),
    "label.event": (
        "{event}: {type} of {at}, received {received}, {outcome}",
        "{event}：{type}，发生于 {at}，收到于 {received}，{outcome}",
    ),
    "label.none": ("Nobody has said anything about it.", "尚无任何标注。"),
    "label.not_yet": ("Nothing was known of it by {as_of}.", "截至 {as_of} 尚无标注。"),
    "label.holds": (
        "As of {as_of}: {verdict}, by {authority} ({claim})",
        "截至 {as_of}：{verdict}，依据为{authority}（{claim}）",
    ),
    "label.history": ("What was claimed", "标注记录"),
    "col.known_since": ("known since", "获知时间"),
    "col.established": ("established", "认定时间"),
    "col.verdict": ("verdict", "结论"),
    "col.authority": ("whose word", "认定方"),
    "col.source": ("source", "来源"),
    "col.claim": ("said by", "标注事件"),
    "authority.ruling": ("ruling", "终局裁定"),
    "authority.bank": ("bank", "银行"),
    "authority.analyst": ("analyst", "人工审核"),
    "authority.party": ("buyer or merchant", "买家或商家"),
    "authority.system": ("program", "系统"),
    "claim.holds": ("holds", "生效"),
    "claim.earlier": ("replaced by a later one", "被后来的标注取代"),
    "claim.weaker": ("outranked", "级别较低"),
    "claim.not_known": ("not known yet", "当时未知"),
    "claim.refused": (
        "refused: made before the event happened",
        "不采用：认定时间早于事件发生时间",
    ),
    "label.labelled": (
        "{labelled} of {events} events had a label by {as_of}, from {claims} claims.",
        "截至 {as_of}，{events} 个事件中有 {labelled} 个已标注，共采用 {claims} 条标注。",
    ),
    "label.delay": (
        "Fraud was known {q5} days after the event in half of the cases, {q9} in nine of ten, {q99} in"
        " 99 of 100.",
        "欺诈从发生到获知：半数不超过 {q5} 天，九成不超过 {q9} 天，99% 不超过 {q99} 天。",
    ),
    "label.contradicted": (
        "Claims about {count} events contradict each other; for {overruled} of them the latest claim"
        " does not hold.",
        "{count} 个事件的标注互相矛盾，其中 {overruled} 个未以最新标注为准。",
    ),
    "label.before_event": (
        "{count} claims were refused: made before their event happened ({examples}). Check at_ms and"
        " subject_event.",
        "{count} 条标注未被采用：认定时间早于事件发生时间（{examples}）。请检查 at_ms 和 subject_event。",
    ),
    "label.no_such_event": (
        "{count} claims are about something that has not arrived or was erased ({examples}).",
        "{count} 条标注所指的事件未到达或已删除（{examples}）。",
    ),
    "label.unaddressed": (
        "{count} claims name neither an event nor a payment, refund, payout, review, message or order.",
        "{count} 条标注未指明事件，也未指明支付、退款、提现、评价、消息或订单。",
    ),
    "label.silent": (
        "{count} disputes and complaints say nothing about fraud.",
        "{count} 条拒付和投诉与欺诈无关，不作为标注。",
    ),
    "label.unreadable": (
        "{count} labels in the journal cannot be read; see kanhe ledger audit.",
        "事件日志中有 {count} 条标注无法读取；请运行 kanhe ledger audit 查明。",
    ),
}
"""Key: (English, Chinese), each translated by meaning."""
