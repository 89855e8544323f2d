"""What `kanhe backtest` tells, on the terminal and on its page."""

from __future__ import annotations

BACKTEST: dict[str, tuple[str, str]] = {
    "help.backtest": (
        "Decide a past again under a policy, and say what it would have caught, missed and refused.",
        "用某套策略重新判定历史事件，评估它能识别多少欺诈、漏掉多少、误伤多少。",
    ),
    "opt.past_from": (
        "Measure events from here on: a number such as #123, or the time at which they happened, such as"
        " 2026-01-31. Earlier ones still count in windows.",
        "评估范围的起点：编号（例如 #123）或事件发生时间（例如 2026-01-31）。更早的事件仍计入特征窗口。",
    ),
    "opt.past_to": (
        "Measure events up to here, included; a date includes the whole day.",
        "评估范围的终点（含）；只写日期时包含当天全天。",
    ),
    "opt.past_data": (
        "File of events instead of the installation's journal: Parquet or CSV with --map, or JSON lines"
        " (.ndjson, .jsonl). May be given several times; the files are merged by time.",
        "改用事件文件而非本机的事件日志：Parquet 或 CSV（需配合 --map），或 JSON 行文件（.ndjson、.jsonl）。"
        "可多次给出，按时间合并。",
    ),
    "opt.past_map": (
        "Mapping that makes events of the lines of --data; one for all tables, or one for each.",
        "把 --data 的各行转换成事件的映射；可所有表共用一个，也可逐表给出。",
    ),
    "opt.past_tenant": (
        "Measure only this tenant's events; with --data, whose events they are.",
        "只评估该租户的事件；与 --data 同用时指明事件所属租户。",
    ),
    "opt.past_as_of": (
        "Use only labels known by then, such as 2026-01-31 (that day included); by default all.",
        "只采用截至该时间已知的标注，例如 2026-01-31（含当天）；默认采用全部。",
    ),
    "opt.past_label_delay": (
        "How long a label may take: younger events are not measured. 0 measures all.",
        "标注最多滞后多久：更新的事件不参与评估。0 表示全部参与。",
    ),
    "opt.unlabelled": (
        "What an event without a label is taken for once it is old enough: honest or unknown.",
        "满足滞后期仍无标注的事件按什么处理：honest（视为正常）或 unknown（视为不明）。",
    ),
    "opt.past_types": (
        "Event type to measure; may be given several times. By default those with labels.",
        "参与评估的事件类型，可多次给出；默认为有标注的类型。",
    ),
    "opt.blocks": (
        "What intervals of money are drawn by: buyer or day.",
        "金额置信区间的重抽样单位：buyer（买家）或 day（天）。",
    ),
    "opt.examples": (
        "How many honest buyers that would have been hit to show.",
        "最多列出多少个会被误伤的正常买家。",
    ),
    "opt.html": ("Write a report to this file.", "把报告写入该文件。"),
    "opt.one_process": (
        "Read files in the process that decides, not beside it.",
        "在判定进程内读取文件，不另起进程。",
    ),
    "backtest.progress": ("Deciding again", "正在重新判定"),
    "backtest.nothing": (
        "nothing was ever judged in {folder}; name files with --data",
        "{folder} 中没有任何判定记录；请用 --data 指定文件",
    ),
    "backtest.title": ("Backtest of {name} {version}", "回测：{name} {version}"),
    "backtest.span": (
        "{events} decided events from {first} to {last} (UTC); labels known by {known}.",
        "共判定 {events} 个事件，时间为 {first} 至 {last}（UTC）；标注截至 {known}。",
    ),
    "backtest.measured": (
        "Measured: {measured} events of {types}: {fraud} fraud, {honest} honest ({assumed} of them"
        " without a label), {unknown} unknown.",
        "参与评估：{types} 共 {measured} 个，其中欺诈 {fraud} 个，正常 {honest} 个（含无标注的 {assumed} 个），"
        "不明 {unknown} 个。",
    ),
    "backtest.left_out": (
        "Left out: {young} younger than the delay of {delay}, {others} of other types.",
        "未参与评估：未满滞后期（{delay}）的 {young} 个，其他类型 {others} 个。",
    ),
    "backtest.stopped_then": (
        "{count} events without a label had been denied or held at the time: unknown, since no chargeback"
        " can come of them.",
        "{count} 个无标注事件当时已被拒绝或送审，不会再有拒付，按不明处理。",
    ),
    "backtest.reached": ("Outcome at least…", "处置达到……"),
    "backtest.reached_then": ("As decided at the time", "当时的实际判定"),
    "backtest.money": ("Money", "金额"),
    "backtest.rules": ("By rule", "按规则"),
    "backtest.rules_caption": (
        "Decisive: without the rule the outcome would have been milder. Saved and refused: money denied or"
        " held only because of it.",
        "“关键”指缺了该规则处置会更轻；挽回与误伤金额仅计只因该规则而拒绝或送审的部分。",
    ),
    "backtest.pairs": ("Rules that fire together", "常同时命中的规则"),
    "backtest.hits": ("Honest buyers hit", "受误伤的正常买家"),
    "backtest.examples": (
        "Honest buyers who would have been hit, hardest first",
        "会被误伤的正常买家（处置最重者在前）",
    ),
    "backtest.written": ("The report is in {path}.", "报告已写入 {path}。"),
    "backtest.alerts": (
        "Alerts: {mean:.1f} a day on average, {median:.0f} on an ordinary day, {busiest} on the busiest.",
        "告警：日均 {mean:.1f} 条，通常每天 {median:.0f} 条，最多一天 {busiest} 条。",
    ),
    "evidence.lines": ("{events} events from {lines} lines.", "{lines} 行，共 {events} 个事件。"),
    "evidence.repeated": (
        "{count} events repeat an id and count once.",
        "{count} 个事件编号重复，只计一次。",
    ),
    "note.no_events": ("No event of this span was decided.", "该范围内没有可判定的事件。"),
    "note.no_labels": (
        "No event has a label of fraud, abuse or legitimate, so nothing is measured. Send label.assigned,"
        " chargeback.received or complaint.resolved events, or name types with --on.",
        "没有任何事件被标注为欺诈、滥用或正常，无法评估。请上报 label.assigned、chargeback.received 或"
        " complaint.resolved 事件，或用 --on 指定类型。",
    ),
    "note.all_young": (
        "All events are younger than the label delay, so nothing is measured; shorten --label-delay.",
        "所有事件都未满标注滞后期，无法评估；请缩短 --label-delay。",
    ),
    "note.no_fraud": (
        "No measured event is fraud: recall cannot be told.",
        "参与评估的事件中没有欺诈，无法计算召回率。",
    ),
    "note.few_fraud": (
        "There are only {count} cases of fraud: recall and money saved say little.",
        "欺诈样本只有 {count} 个，召回率与挽回金额仅供参考。",
    ),
    "note.no_honest": (
        "No measured event is held to be honest: precision cannot be told.",
        "参与评估的事件中没有正常样本，无法计算精确率。",
    ),
    "note.unconverted": (
        "{count} events have an amount in a currency without a rate in this pack; their money is left out.",
        "{count} 个事件的币种在该策略包中没有汇率，金额未计入。",
    ),
    "note.unknown_types": (
        "The pack cannot read events of these types, and they count for nothing: {types}.",
        "该策略包无法识别以下类型的事件，未作任何统计：{types}。",
    ),
    "note.recorded": (
        "{count} events were only recorded at the time; they count in windows and are not decided.",
        "{count} 个事件当时仅作记录，只计入特征窗口，不参与判定。",
    ),
    "note.erased": (
        "The content of {count} rows was erased: features may come out lower than they were.",
        "{count} 行内容已删除，特征值可能偏低。",
    ),
    "step.challenge": ("challenge or harder", "二次验证及以上"),
    "step.review": ("review or deny", "人工审核或拒绝"),
    "step.deny": ("deny", "拒绝"),
    "money.fraud": ("all fraud", "欺诈总额"),
    "money.saved": ("saved: fraud denied or held", "挽回：欺诈被拒绝或送审"),
    "money.missed": ("missed: fraud let through or challenged", "漏损：欺诈被放行或仅二次验证"),
    "money.refused": ("refused: honest, denied", "误拒：正常交易被拒绝"),
    "money.held": ("held: honest, under review", "误审：正常交易被送审"),
    "money.challenged": ("challenged: honest, behind a step-up", "打扰：正常交易被要求二次验证"),
    "col.events_now": ("events", "事件数"),
    "col.fraud": ("fraud", "欺诈"),
    "col.honest": ("honest", "正常"),
    "col.unknown": ("unknown", "不明"),
    "col.precision": ("precision", "精确率"),
    "col.recall": ("recall", "召回率"),
    "col.false_positives": ("false positives", "误报率"),
    "col.fraud_money": ("fraud money", "欺诈金额"),
    "col.honest_money": ("honest money", "正常金额"),
    "col.interval": ("95 % interval", "95% 置信区间"),
    "col.per_day": ("a day", "日均"),
    "col.decisive": ("decisive", "关键"),
    "col.softened": ("softened", "减轻"),
    "col.failed": ("failed", "出错"),
    "col.saved": ("saved", "挽回"),
    "col.refused": ("refused", "误伤"),
    "col.share": ("share", "占比"),
    "col.buyers": ("buyers", "买家"),
    "col.buyer": ("buyer", "买家"),
    "col.basis": ("honest by", "正常依据"),
    "col.time": ("time (UTC)", "时间（UTC）"),
    "col.together": ("together", "同时命中"),
    "col.one": ("rule", "规则"),
    "col.other": ("and rule", "同现规则"),
    "col.of_one": ("of the first", "占前者"),
    "col.of_other": ("of the second", "占后者"),
    "col.detail": ("detail", "详情"),
    "page.policy": ("Policy", "策略包"),
    "page.headline": ("At a glance", "概览"),
    "page.precision": ("precision: stops that are fraud", "精确率：拦截中确为欺诈的比例"),
    "page.recall": ("recall: fraud that is stopped", "召回率：欺诈被拦截的比例"),
    "page.saved": ("fraud money stopped", "拦截的欺诈金额"),
    "page.refused": ("honest money denied", "误拒的正常金额"),
    "page.alerts": ("alerts a day", "日均告警"),
    "page.busiest": ("{count} on the busiest day", "最多一天 {count} 条"),
    "page.hit": ("honest buyers denied or held", "正常买家被拒绝或送审的比例"),
    "page.interval": ("95 %: {low} to {high}", "95% 区间：{low} 至 {high}"),
    "page.stops": (
        "A stop is an event that is denied or held for review.",
        "“拦截”指拒绝或送人工审核。",
    ),
    "page.steps": ("What each outcome reaches", "各级处置的效果"),
    "page.then": ("Compared with what was decided at the time", "与当时实际判定对比"),
    "page.now": ("this policy", "本策略"),
    "page.then_short": ("at the time", "当时"),
    "page.days": ("Alerts by day", "每日告警"),
    "page.days_binned": (
        "Alerts a day, averaged over {days} days",
        "日均告警（每 {days} 天取平均）",
    ),
    "page.scores": ("Scores of fraud and of honest events", "欺诈与正常事件的评分分布"),
    "page.scores_axis": (
        "share of all fraud, of all honest events",
        "各占欺诈总数、正常总数的比例",
    ),
    "page.rules_plot": ("What rules save and refuse by themselves", "各规则的独有挽回与误伤"),
    "page.hits": ("Honest buyers hit", "正常买家受误伤情况"),
    "page.truth": ("What was held to be true", "真实情况的认定"),
    "page.truth.measured": ("measured", "参与评估"),
    "page.truth.fraud": ("fraud (of them abuse: {abuse})", "欺诈（其中滥用 {abuse}）"),
    "page.truth.labelled_honest": ("honest by label", "标注为正常"),
    "page.truth.assumed_honest": (
        "honest without a label, old enough, let through at the time",
        "无标注、已满滞后期且当时放行，视为正常",
    ),
    "page.truth.labelled_unknown": ("labelled unknown", "标注为不明"),
    "page.truth.stopped_then": (
        "unknown: no label, denied or held at the time",
        "不明：无标注，当时已被拒绝或送审",
    ),
    "page.truth.unlabelled": ("unknown: no label", "不明：无标注"),
    "page.truth.young": ("not measured: younger than the delay", "未评估：未满滞后期"),
    "page.truth.others": ("not measured: other types", "未评估：其他类型"),
    "page.meaning": ("What the figures mean", "指标含义"),
    "page.meaning.wilson": (
        "Shares have Wilson score intervals; these take events for independent, so that series of fraud"
        " make them too narrow.",
        "比例采用 Wilson 置信区间，假定事件相互独立；欺诈成串出现时区间会偏窄。",
    ),
    "page.meaning.bootstrap.buyer": (
        "Money has bootstrap intervals in which all events of a buyer are drawn together.",
        "金额采用自助法（bootstrap）区间，同一买家的事件一并抽取。",
    ),
    "page.meaning.bootstrap.day": (
        "Money has bootstrap intervals in which all events of a day are drawn together.",
        "金额采用自助法（bootstrap）区间，同一天的事件一并抽取。",
    ),
    "page.meaning.money": (
        "Money is the amount of each event at the rates of the pack; several attempts at one purchase"
        " count several times.",
        "金额为各事件金额按策略包汇率折算；同一笔购买的多次尝试会重复计入。",
    ),
    "page.meaning.behaviour": (
        "What people would have done otherwise is not known: whoever would have been denied might have"
        " come back with another card.",
        "无法得知当事人会如何应对：被拒绝者可能换一张卡再来。",
    ),
    "page.empty": ("None.", "无。"),
    "page.labelled": ("label", "标注"),
    "page.assumed": ("assumed", "推定"),
    "page.fewer": ("{shown} of {count} rules shown", "共 {count} 条规则，显示 {shown} 条"),
}
"""Key: (English, Chinese), each translated by meaning."""
