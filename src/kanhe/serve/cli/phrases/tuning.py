"""What `kanhe policy tune` tells."""

from __future__ import annotations

TUNING: dict[str, tuple[str, str]] = {
    "help.policy.tune": (
        "Propose thresholds by what mistakes cost, checked on days that had no say in the choice.",
        "按误判的代价给出建议阈值，并用未参与选择的日期加以检验。",
    ),
    "opt.loss_per_fraud": (
        "What a fraud that gets through costs, such as 80.00 in the pack's base currency; amount is the"
        " amount of each event.",
        "一次漏过的欺诈损失多少，例如 80.00（策略包本位币）；amount 表示按各事件的金额。",
    ),
    "opt.review_cost": ("What one review by a person costs.", "一次人工审核的成本。"),
    "opt.refusal_loss": (
        "What it costs to deny an honest buyer, once a day.",
        "误拒一位正常买家的损失，每人每天计一次。",
    ),
    "opt.reviews_per_day": (
        "How many reviews people get done in a day; all, if left out.",
        "每天最多能完成多少次人工审核；省略表示不限。",
    ),
    "opt.challenge_stops": (
        "Which part of fraud a step-up stops, 0 to 1. With 0 and no loss it is the same as letting"
        " through, and its threshold stays.",
        "二次验证能拦下多少比例的欺诈，0 到 1。若为 0 且无流失，则等同于放行，其阈值不变。",
    ),
    "opt.challenge_loses": (
        "Which part of honest buyers gives up at a step-up, 0 to 1.",
        "二次验证会流失多少比例的正常买家，0 到 1。",
    ),
    "opt.later_share": (
        "Which part of the days, the latest, is kept for checking.",
        "留作检验的日期（最晚的部分）所占比例。",
    ),
    "col.present": ("present", "现有"),
    "col.proposed": ("proposed", "建议"),
    "tune.title": ("Thresholds for {name} {version}", "{name} {version} 的阈值建议"),
    "tune.parts": (
        "Chosen on {days} days from {first} ({fraud} fraud, {honest} honest); checked on the {later_days}"
        " days from {later} ({later_fraud} fraud, {later_honest} honest), which had no say in the choice."
        " {tried} tables compared.",
        "选择阈值用 {first} 起的 {days} 天（欺诈 {fraud}，正常 {honest}）；检验用 {later} 起的 {later_days} 天"
        "（欺诈 {later_fraud}，正常 {later_honest}），这些日期未参与选择。共比较 {tried} 组阈值。",
    ),
    "tune.table": ("A month of 30 days like those of the check", "按检验期推算的每月（30 天）"),
    "tune.row.challenge": ("challenge from", "二次验证阈值"),
    "tune.row.review": ("review from", "人工审核阈值"),
    "tune.row.deny": ("deny from", "拒绝阈值"),
    "tune.row.fraud": ("fraud that gets through", "漏过的欺诈"),
    "tune.row.reviews": ("reviews", "人工审核"),
    "tune.row.refusals": ("honest buyers denied", "误拒正常买家"),
    "tune.row.challenges": ("honest buyers lost at a step-up", "二次验证流失"),
    "tune.row.total": ("cost in all", "总成本"),
    "tune.row.interval": ("95 % interval", "95% 置信区间"),
    "tune.row.per_day": ("reviews asked for a day", "日均送审"),
    "tune.row.over": ("days over capacity, of {days}", "超出审核能力的天数（共 {days} 天）"),
    "tune.saving": (
        "The proposal saves {money} a month (95 %: {low} to {high}); it was cheaper in {likely:.0%} of the"
        " histories drawn.",
        "建议阈值每月节省 {money}（95% 区间：{low} 至 {high}）；在 {likely:.0%} 的抽样中成本更低。",
    ),
    "tune.better": (
        "The days of the check bear the proposal out.",
        "检验结果支持该建议。",
    ),
    "tune.worse": (
        "The proposal was dearer than the present thresholds on the days of the check: keep the present"
        " ones. What was true before seems to have changed.",
        "在检验期内，建议阈值的成本高于现有阈值：请保留现有阈值。情况可能已发生变化。",
    ),
    "tune.unsure": (
        "The interval holds zero: these days do not say which is better. Keep the present thresholds, or"
        " wait for more labels.",
        "置信区间包含零，现有数据无法判断孰优孰劣。请保留现有阈值，或等待更多标注。",
    ),
    "tune.same": (
        "No other thresholds were cheaper on the days of the choice: the present ones stay.",
        "选择期内没有成本更低的阈值：维持现有阈值。",
    ),
    "tune.spread": (
        "On other days like these the choice would mostly have been: challenge {c_low}–{c_high},"
        " review {r_low}–{r_high}, deny {d_low}–{d_high}.",
        "换作类似的其他日期，选出的阈值多在：二次验证 {c_low}–{c_high}，人工审核 {r_low}–{r_high}，"
        "拒绝 {d_low}–{d_high}。",
    ),
    "tune.snippet": ("For pack.toml:", "可写入 pack.toml："),
    "tune.not_enough": ("Not enough labels for a proposal:", "标注不足，无法给出建议："),
    "tune.lacking.days": (
        "the labels must be complete for {days} days in either part; give a longer span, or shorten"
        " --label-delay if labels come sooner",
        "两部分各需至少 {days} 天的完整标注；请扩大范围，若标注到得更早也可缩短 --label-delay",
    ),
    "tune.lacking.fraud": (
        "{fraud} cases of fraud in the earlier part and {later_fraud} in the later; {least} are needed in"
        " each",
        "前段欺诈 {fraud} 个，后段 {later_fraud} 个；各需至少 {least} 个",
    ),
    "tune.lacking.honest": (
        "{honest} honest events in the earlier part and {later_honest} in the later; {least} are needed in"
        " each",
        "前段正常事件 {honest} 个，后段 {later_honest} 个；各需至少 {least} 个",
    ),
    "tune.lacking.scores": (
        "no event's outcome hangs on its score; give rules points for thresholds to mean anything",
        "没有任何事件的处置取决于评分；规则需要有分值，阈值才有意义",
    ),
    "tune.amountless": (
        "{count} cases of fraud have no amount and cost nothing here; --loss-per-fraud gives them one.",
        "{count} 个欺诈没有金额，在此不计损失；可用 --loss-per-fraud 指定。",
    ),
}
"""Key: (English, Chinese), each translated by meaning."""
