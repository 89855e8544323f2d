"""What `kanhe dataset` tells."""

from __future__ import annotations

DATASETS: dict[str, tuple[str, str]] = {
    "help.dataset": ("Training sets from history.", "从历史生成训练集。"),
    "help.dataset.build": (
        "Write a training set: each event with its features as they were, and its label as known.",
        "生成训练集：每个事件当时的特征，以及截至指定日期已知的标注。",
    ),
    "opt.dataset_out": ("The Parquet file to write.", "要写入的 Parquet 文件。"),
    "opt.label_delay": (
        "Events younger than this have no label yet, such as 7d; 0 for none.",
        "发生不足这么久的事件视为尚无标注，例如 7d；0 表示不限。",
    ),
    "opt.dataset_as_of": (
        "Know only what had been received by then, such as 2026-01-31; by default all there is.",
        "只采用截至该日期已收到的内容，例如 2026-01-31；默认为全部。",
    ),
    "opt.dataset_type": (
        "The type of the events; may be given several times.",
        "事件类型，可多次给出。",
    ),
    "opt.positive": (
        "A verdict that is label 1; may be given several times.",
        "视为标注 1 的结论，可多次给出。",
    ),
    "opt.dataset_policy": (
        "Compute the features of this pack anew; by default they are those that were served.",
        "按该策略包重新计算特征；默认采用当时所用的特征。",
    ),
    "opt.dataset_tenant": ("Events of this tenant only.", "只取该租户的事件。"),
    "dataset.progress": ("Building the training set", "正在生成训练集"),
    "dataset.verdict": (
        "--positive {got}: no such verdict; there are {known}",
        "--positive {got}：没有这种结论，可用的有 {known}",
    ),
    "dataset.written": (
        "{file}: {rows} rows of {types}, {features} features of {pack}.",
        "{file}：{types} 共 {rows} 行，采用 {pack} 的 {features} 个特征。",
    ),
    "dataset.served": (
        "The features are those that were served.",
        "特征为判定当时所用的特征。",
    ),
    "dataset.recomputed": (
        "The features were computed anew, from the first row of the journal on.",
        "特征自事件日志第一行起重新计算。",
    ),
    "dataset.labels": (
        "Labels as of {as_of}: {positives} are 1; {negatives} are 0, of which nobody said anything about"
        " {silent}; {unlabelled} have none, of which {unripe} are too young.",
        "截至 {as_of} 的标注：{positives} 行为 1；{negatives} 行为 0（其中 {silent} 行无人标注）；"
        "{unlabelled} 行没有标注（其中 {unripe} 行发生时间太近）。",
    ),
    "dataset.unconverted": (
        "{count} rows have an amount in a currency without a rate in the pack; it is left empty.",
        "{count} 行的币种在策略包中没有汇率，金额留空。",
    ),
    "dataset.left_out": ("Left out", "未列入"),
    "dataset.no_positive": (
        "No row has label 1: nothing can be learned from this set. Widen --from and --to, wait for"
        " labels, or see kanhe label summary.",
        "没有标注为 1 的行，无法用于训练。请扩大 --from 和 --to 的范围，等待标注到达，"
        "或查看 kanhe label summary。",
    ),
    "col.left_out": ("why", "原因"),
    "col.rows": ("rows", "行数"),
    "left_out.other_type": ("events of other types", "其他类型的事件"),
    "left_out.claims": ("labels, disputes and closed complaints", "标注、拒付和已结案的投诉"),
    "left_out.erased": ("events whose content was erased", "内容已删除的事件"),
    "left_out.no_event": ("rows that hold no event", "不是事件的行"),
    "left_out.after_as_of": (
        "events that arrived after the day asked about",
        "截止日期之后到达的事件",
    ),
    "left_out.other_features": (
        "events judged on other features; --policy computes them anew",
        "按其他特征判定的事件；可用 --policy 重新计算",
    ),
    "left_out.unreadable": (
        "events or vectors that this pack cannot read",
        "该策略包无法读取的事件或特征向量",
    ),
}
"""Key: (English, Chinese), each translated by meaning."""
