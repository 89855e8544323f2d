"""The help of commands and options."""

from __future__ import annotations

HELP: dict[str, tuple[str, str]] = {
    "help.kanhe": (
        "Kanhe judges, records and answers every event of a trade.",
        "勘合：对交易中的每个事件作出判定，存证并答复。",
    ),
    "help.serve": ("Serve the HTTP interface.", "启动 HTTP 服务。"),
    "help.decide": (
        "Judge events, one JSON object a line, and print the answers.",
        "逐行读取 JSON 事件，作出判定并输出答复。",
    ),
    "help.import": (
        "Turn a CSV or Parquet file of a shop into events and judge them.",
        "按映射把店铺的 CSV 或 Parquet 文件转换成事件并判定。",
    ),
    "help.keys": ("Make, list and revoke API keys.", "创建、列出和吊销 API 密钥。"),
    "help.keys.create": ("Make a key; its token is shown once.", "创建密钥；令牌只显示一次。"),
    "help.keys.list": ("List the keys.", "列出密钥。"),
    "help.keys.revoke": ("Revoke a key for good.", "永久吊销密钥。"),
    "help.policy": ("Check, show and tune policy packs.", "检查、查看和调校策略包。"),
    "help.policy.check": ("Check a pack and show every mistake.", "检查策略包并列出全部错误。"),
    "help.policy.show": ("Show what a pack says.", "查看策略包的内容。"),
    "help.policy.path": (
        "Print the folder of the starter pack.",
        "输出自带的入门策略包所在目录。",
    ),
    "help.lists": ("Show and change list entries.", "查看和修改名单条目。"),
    "help.lists.show": (
        "Name the lists, or show the entries of one.",
        "列出全部名单，或查看某个名单的条目。",
    ),
    "help.lists.add": ("Add an entry.", "添加条目。"),
    "help.lists.remove": ("Remove an entry.", "删除条目。"),
    "help.events": ("Show the event types.", "查看事件类型。"),
    "help.events.list": ("List the event types.", "列出事件类型。"),
    "help.events.show": ("Show one event type with its fields.", "查看某个事件类型及其字段。"),
    "help.witness": (
        "Watch over a log: cosign what continues it, and nothing else.",
        "为日志作见证：只对延续既有历史的检查点联署。",
    ),
    "help.witness.init": (
        "Make a witness with a key of its own, and print its verifier key.",
        "创建见证方及其专用密钥，并输出验证公钥。",
    ),
    "help.witness.add": (
        "Know a log by its verifier key, from the next request on.",
        "登记日志的验证公钥，自下一次请求起生效。",
    ),
    "help.witness.run": (
        "Cosign checkpoints over HTTP until told to stop.",
        "通过 HTTP 联署检查点，直到收到停止信号。",
    ),
    "help.witness.show": (
        "Show the verifier key, the known logs, and what was cosigned of each.",
        "查看验证公钥、已登记的日志，以及各日志已联署的最大规模。",
    ),
    "help.console": (
        "Serve the console, which `kanhe serve` does by itself.",
        "启动控制台（kanhe serve 会自动启动）。",
    ),
    "help.doctor": (
        "Check this machine and the data folder, and say what to do.",
        "检查本机和数据目录，并说明如何处理问题。",
    ),
    "help.demo": (
        "Run a simulated shop under attack, and show what was caught.",
        "运行一家遭受攻击的模拟店铺，展示识别效果。",
    ),
    "help.replay": (
        "Decide old events again: under the policy of their time, or under another one.",
        "重新判定历史事件：按当时的策略核对，或换一套策略试算。",
    ),
    "help.version": ("Show the version.", "显示版本。"),
    "opt.lang": ("Language of messages: en or zh_CN.", "提示语言：en 或 zh_CN。"),
    "opt.version": ("Show the version and exit.", "显示版本并退出。"),
    "opt.json": ("Print JSON.", "输出 JSON。"),
    "opt.data_dir": ("Data folder.", "数据目录。"),
    "opt.policy": (
        "Folder of the policy pack; the starter pack if left out.",
        "策略包目录；省略则为自带的入门策略包。",
    ),
    "opt.demo_exit": (
        "End when it has run through, without serving the desk; KANHE_DEMO_EXIT=1 does the same.",
        "运行完毕即退出，不启动风控台；设置 KANHE_DEMO_EXIT=1 效果相同。",
    ),
    "opt.tenant": ("Whose events these are.", "事件所属租户。"),
    "opt.host": ("Address to listen on.", "监听地址。"),
    "opt.port": ("Port to listen on; 0 takes any.", "监听端口；0 表示任选。"),
    "opt.console_host": ("Address the console listens on.", "控制台的监听地址。"),
    "opt.console_port": (
        "Port the console listens on; 0 takes any.",
        "控制台的监听端口；0 表示任选。",
    ),
    "opt.keys": (
        "Whether callers need an API key. --open is the same as --no-require-keys and only works on"
        " this machine's own address.",
        "调用方是否需要 API 密钥。--open 等同于 --no-require-keys，仅限本机地址。",
    ),
    "opt.log_level": ("debug, info, warning or error.", "debug、info、warning 或 error。"),
    "opt.log_format": ("text or json.", "text 或 json。"),
    "opt.lines": ("File of JSON lines; - is standard input.", "JSON 行文件；- 表示标准输入。"),
    "opt.record": ("Record only, do not judge.", "只记录，不判定。"),
    "opt.dry_run": (
        "Keep nothing: try events and packs out.",
        "不保存任何数据，用于试验事件和策略包。",
    ),
    "opt.scopes": ("Scope the events are sent with.", "发送事件时使用的权限。"),
    "opt.table": ("CSV or Parquet file.", "CSV 或 Parquet 文件。"),
    "opt.map": ("Mapping from columns to events.", "从列到事件的映射文件。"),
    "opt.key_name": ("What the key is for.", "密钥用途。"),
    "opt.key_scope": (
        "decide, record, read, evidence, lists, metrics, policy:read, policy:propose, "
        "policy:approve or step_up;"
        " may be given several times.",
        "decide、record、read、evidence、lists、metrics、policy:read、policy:propose、"
        "policy:approve 或 step_up；可多次给出。",
    ),
    "opt.rate": (
        "Events per second in the long run; 0: no limit.",
        "长期平均每秒事件数；0 表示不限。",
    ),
    "opt.burst": ("Events at once; default: twice the rate.", "瞬时最多事件数；默认为速率的两倍。"),
    "opt.expires": ("Expires after, such as 90d.", "有效期，例如 90d。"),
    "opt.key_id": ("Id of the key.", "密钥编号。"),
    "opt.pack": (
        "Folder of a pack; if left out, that of the settings, else the starter pack.",
        "策略包目录；省略则取设置中的策略包，未设置时为自带的入门策略包。",
    ),
    "opt.list": ("Name of the list.", "名单名称。"),
    "opt.value": ("What is listed.", "条目的值。"),
    "opt.entry_for": ("Counts for so long, such as 30d.", "有效时长，例如 30d。"),
    "opt.note": ("Why.", "原因。"),
    "opt.staff": ("Who.", "操作人。"),
    "opt.event_type": ("Name of the event type.", "事件类型名称。"),
    "opt.witness_dir": (
        "The witness's own folder, not that of the one who judges.",
        "见证方自己的目录，不要与判定服务共用。",
    ),
    "opt.witness_name": (
        "Name under which it cosigns, such as witness.example.",
        "联署时使用的名称，例如 witness.example。",
    ),
    "opt.watched_key": (
        "Verifier key of the log: name+keyid+base64.",
        "日志的验证公钥：name+keyid+base64。",
    ),
    "opt.watched_origin": (
        "Origin of the log, where it is not the name of its key.",
        "日志的 origin；与密钥名称相同时可省略。",
    ),
    "opt.events": ("How many events, at least 5,000.", "事件数量，至少 5,000。"),
    "opt.from": (
        "Begin here: a number of the journal such as #123, or a time of arrival such as 2026-01-31.",
        "起点：事件日志编号（例如 #123）或到达时间（例如 2026-01-31）。",
    ),
    "opt.to": (
        "End here, included; a date includes the whole day.",
        "终点（含）；只写日期时包含当天全天。",
    ),
    "opt.other_policy": (
        "Folder of another policy pack: report what it would change.",
        "另一套策略包的目录：报告换用后会有哪些变化。",
    ),
    "opt.show": (
        "How many differences or changed events to show; all are counted.",
        "最多展示多少条差异或变化；计数不受影响。",
    ),
    "opt.seed": ("The same seed makes the same shop.", "相同的种子产生相同的店铺。"),
    "opt.data": ("File of real orders to judge instead.", "改用真实订单文件。"),
}
"""Key: (English, Chinese), each translated by meaning."""
