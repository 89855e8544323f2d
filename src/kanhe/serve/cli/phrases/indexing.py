"""What the command line says about the index of the journal."""

from __future__ import annotations

INDEXING: dict[str, tuple[str, str]] = {
    "help.index": (
        "Bring the index of the journal up to date, by which the console finds things.",
        "更新事件日志的索引，控制台靠它查找。",
    ),
    "opt.index_watch": (
        "Go on until told to stop; `kanhe serve` runs this beside itself.",
        "持续更新直至停止；kanhe serve 会自动在旁运行。",
    ),
    "opt.index_rebuild": (
        "Drop it first and make it anew from the first row.",
        "先删除，再从第一条记录重新建立。",
    ),
    "index.progress": ("Indexing", "正在建立索引"),
    "index.done": (
        "The index has all {rows} rows of the journal.",
        "索引已包含事件日志的全部 {rows} 条记录。",
    ),
    "index.no_journal": (
        "There is no journal in {folder} yet: nothing was ever judged there.",
        "{folder} 中还没有事件日志，从未作过判定。",
    ),
}
"""Key: (English, Chinese), each translated by meaning."""
