"""What `kanhe replay` tells."""

from __future__ import annotations

REPLAY: dict[str, tuple[str, str]] = {
    "replay.progress": ("Replaying", "正在重放"),
    "replay.nothing": (
        "There is nothing to replay here.",
        "该范围内没有可重放的事件。",
    ),
    "replay.packs": ("Decided again, each under its own policy", "按当时的策略重新判定"),
    "replay.state.replayed": ("replayed", "已重放"),
    "replay.state.not_kept": ("not replayed: its text is not kept", "未重放：策略包未留存"),
    "replay.state.altered": (
        "not replayed: the text kept is not that of its hash",
        "未重放：留存的策略包与其哈希不符",
    ),
    "replay.state.unreadable": (
        "not replayed: this version of Kanhe cannot read it",
        "未重放：当前版本无法读取该策略包",
    ),
    "replay.compared": (
        "{decided} decisions and {recorded} recorded events were compared.",
        "共核对 {decided} 次判定和 {recorded} 个仅记录的事件。",
    ),
    "replay.unknown_type": (
        "{count} events of {type} cannot be read under this pack; they count for nothing.",
        "{count} 个 {type} 事件无法按该策略包读取，不计入统计。",
    ),
    "replay.not_replayed": (
        "{count} events belong to packs that could not be used, and were not compared.",
        "{count} 个事件所属的策略包不可用，未作核对。",
    ),
    "replay.no_events": (
        "{noted} rows hold no event, and the content of {erased} was erased: not compared.",
        "{noted} 行不是事件，{erased} 行内容已删除，均未核对。",
    ),
    "replay.all_equal": (
        "Every one of them comes out with the same bytes.",
        "结果逐字节一致。",
    ),
    "replay.none_compared": (
        "Nothing could be compared: nothing is proved.",
        "没有可核对的事件，不能得出结论。",
    ),
    "replay.differences": (
        "The first {shown} of {count} that differ",
        "不一致的事件（前 {shown} 个，共 {count} 个）",
    ),
    "replay.counted": (
        "Different: {different}. Answers with other bytes: {answers}. Other vectors: {vectors}, of which"
        " {follow} with a decision that follows from what was served. Rows that do not fit together:"
        " {rows}.",
        "共 {different} 个不一致。答复字节不同：{answers}；特征向量不同：{vectors}，其中判定与当时所用"
        "向量相符的 {follow} 个；记录自相矛盾：{rows}。",
    ),
    "replay.first": ("The first is number #{seq}.", "首个不一致的编号为 #{seq}。"),
    "replay.erased_before": (
        "{count} rows before it were erased: what they had counted for is gone, so that later vectors"
        " may differ with good reason.",
        "在此之前有 {count} 行内容被删除，不再计入统计，其后的特征向量可能因此不同。",
    ),
    "compare.title": (
        "#{first} to #{last} under {name} {version}",
        "#{first} 至 #{last} 换用 {name} {version}",
    ),
    "compare.changed": (
        "{changed} of {decided} outcomes would change ({share:.2%}).",
        "{decided} 次判定中有 {changed} 次结果会变（{share:.2%}）。",
    ),
    "compare.denied": ("Newly denied: {events}, {money}", "新增拒绝：{events} 个，{money}"),
    "compare.let_through": (
        "Newly let through: {events}, {money}",
        "新增放行：{events} 个，{money}",
    ),
    "compare.labelled": ("; labelled later: {labels}", "；事后标注：{labels}"),
    "compare.labels": (
        "Labels are those of the whole journal, also from after these events ({count} events have one).",
        "标注取自整个事件日志，包括该范围之后的标注（共 {count} 个事件有标注）。",
    ),
    "compare.no_labels": (
        "The journal holds no labels, so nothing says which changes are right.",
        "事件日志中没有标注，无法判断这些变化是否正确。",
    ),
    "compare.rules": ("By rule", "按规则"),
    "compare.decisive": (
        "Decisive: without the rule, a changed event would have had another outcome. Money: of those"
        " events.",
        "“关键”指缺了该规则，变化事件的结果就会不同；金额为这些事件的合计。",
    ),
    "compare.top": (
        "The {shown} weightiest of {count} changed events",
        "影响最大的 {shown} 个变化事件（共 {count} 个）",
    ),
    "compare.unconverted": (
        "{count} events have an amount in a currency without a rate in this pack; their money is left out.",
        "{count} 个事件的币种在该策略包中没有汇率，金额未计入。",
    ),
    "compare.unreadable_answers": (
        "The recorded answers of {count} events cannot be read; see kanhe replay without --policy.",
        "{count} 个事件的原答复无法读取；请运行不带 --policy 的 kanhe replay 查明。",
    ),
    "compare.pack_not_kept": (
        "The pack {policy} cannot be used any more: which of its rules were decisive is not known.",
        "策略包 {policy} 已不可用：无法得知其中哪些规则起了关键作用。",
    ),
    "verdict.fraud": ("fraud", "欺诈"),
    "verdict.abuse": ("abuse", "滥用"),
    "verdict.legitimate": ("legitimate", "正常"),
    "verdict.unknown": ("unknown", "不明"),
}
"""Key: (English, Chinese), each translated by meaning."""
