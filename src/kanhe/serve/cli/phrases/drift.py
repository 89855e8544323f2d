"""What `kanhe drift` tells."""

from __future__ import annotations

DRIFT: dict[str, tuple[str, str]] = {
    "help.drift": (
        "Say what is no longer as it was, and since when: features, outcomes, rules.",
        "查看哪些特征、判定结果和规则已偏离基线，以及从何时开始。",
    ),
    "opt.baseline_from": (
        "Make the baseline of what happened from this day on, such as 2026-01-01.",
        "以自该日期起发生的事件为基线，例如 2026-01-01。",
    ),
    "opt.baseline_to": (
        "The last day of the baseline, included; what happened later is held against it.",
        "基线的最后一天（含）；此后发生的事件与基线对比。",
    ),
    "opt.drift_type": (
        "An event type whose features are watched; may be given several times.",
        "监测其特征的事件类型，可多次给出。",
    ),
    "opt.drift_save": (
        "Keep this baseline: later looks, and the server, hold against it.",
        "保存该基线，供以后查看和服务监测使用。",
    ),
    "opt.drift_all": ("Show what is stable, too.", "同时显示未偏离的项目。"),
    "opt.drift_watch": (
        "Look again and again until told to stop, log what changes, and feed the metrics.",
        "持续监测直至停止，记录变化并提供指标。",
    ),
    "drift.progress": ("Looking for drift", "正在检查漂移"),
    "drift.baseline_progress": ("Making the baseline", "正在生成基线"),
    "drift.no_baseline": (
        "there is no baseline yet; make one of a time when all was well, with kanhe drift"
        " --baseline-from 2026-01-01 --baseline-to 2026-01-28 --save",
        "尚无基线；请选一段正常时期生成：kanhe drift --baseline-from 2026-01-01"
        " --baseline-to 2026-01-28 --save",
    ),
    "drift.backwards": (
        "--baseline-to {end} lies before --baseline-from {begin}",
        "--baseline-to {end} 早于 --baseline-from {begin}",
    ),
    "drift.saved": ("The baseline was kept in {file}.", "基线已保存到 {file}。"),
    "drift.baseline": (
        "Baseline: {begin} to {end}. {events} events since.",
        "基线：{begin} 至 {end}。此后共 {events} 个事件。",
    ),
    "drift.left_out": ("Left out: {count} {why}.", "未计入：{why}，{count} 个。"),
    "drift.counted": (
        "{drifted} have drifted, {stable} have not, {little} have too few events to tell.",
        "已漂移 {drifted} 项，未漂移 {stable} 项，事件太少无法判断 {little} 项。",
    ),
    "drift.state.large": ("large", "显著"),
    "drift.state.moderate": ("moderate", "中等"),
    "drift.state.stable": ("stable", "稳定"),
    "drift.state.not_enough": ("too few events", "事件太少"),
    "drift.state.calibrated": ("calibrated", "一致"),
    "drift.calibrations": ("Do scores mean what they say?", "分数是否名副其实"),
    "drift.calibrations_caption": (
        "Expected: the sum of the scores. Observed: events known by now to be fraud.",
        "“预期”为分数合计，“实际”为目前已证实的欺诈数。",
    ),
    "col.model": ("model", "模型"),
    "col.expected": ("expected", "预期"),
    "col.observed": ("observed", "实际"),
    "col.calibration_error": ("mean error", "平均误差"),
    "drift.bin.missing": ("missing", "缺失"),
    "drift.bin.known": ("known", "有值"),
    "drift.bin.fired": ("fired", "触发"),
    "col.watched": ("what is watched", "监测项"),
    "col.drift_value": ("value", "数值"),
    "col.drift_limits": ("limits", "阈值"),
    "col.since": ("since", "自"),
    "col.moved": ("what moved most", "变化最大之处"),
}
"""Key: (English, Chinese), each translated by meaning."""
