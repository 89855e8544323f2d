"""What the command line says to people, in English and in Chinese, in one catalogue.

The language is that of `--lang`, else `KANHE_LANG`, else the locale (`LC_ALL`, `LC_MESSAGES`,
`LANG`); anything that is not Chinese is answered in English.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from kanhe.serve.cli.ledger_wording import LEDGER

Language = Literal["en", "zh_CN"]

_language: Language = "en"
_LANGUAGES = ("en", "en_us", "en_gb", "zh", "zh_cn", "zh_hans", "zh_sg")


def language_of(arguments: Sequence[str], environ: Mapping[str, str]) -> Language:
    """The language asked for by options or environment."""
    asked = lang_option(arguments)[0]
    if asked is not None:
        return _named(asked)
    for variable in ("KANHE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(variable):
            return _named(environ[variable])
    return "en"


def lang_option(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """What `--lang` says, wherever it stands before `--`, and the arguments without it."""
    said: str | None = None
    rest: list[str] = []
    words_left = iter(arguments)
    for word in words_left:
        if word == "--":
            rest.append(word)
            break
        if word.startswith("--lang="):
            said = word.partition("=")[2]
        elif word == "--lang":
            said = next(words_left, "")
        else:
            rest.append(word)
    return said, [*rest, *words_left]


def is_language(text: str) -> bool:
    """Whether `--lang` may say this."""
    return text.lower().replace("-", "_").partition(".")[0] in _LANGUAGES


def _named(text: str) -> Language:
    return "zh_CN" if text.lower().startswith("zh") else "en"


def use_language(language: Language) -> None:
    """Say everything that follows in this language."""
    global _language
    _language = language


def chinese() -> bool:
    """Whether Chinese is spoken."""
    return _language == "zh_CN"


def words(key: str, **values: object) -> str:
    """The text under this key with its values filled in; whole numbers get thousands separators."""
    text = CATALOGUE[key][1 if chinese() else 0]
    shown = {
        name: f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in values.items()
    }
    return text.format(**shown)


def either(en: str, zh: str) -> str:
    """The text of the language spoken, where both come from elsewhere (rules, event types)."""
    return zh if chinese() and zh else en


CATALOGUE: dict[str, tuple[str, str]] = {
    **LEDGER,
    # Help: commands
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
    "help.policy": ("Check and show policy packs.", "检查和查看策略包。"),
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
    # Help: options
    "opt.lang": ("Language of messages: en or zh_CN.", "提示语言：en 或 zh_CN。"),
    "opt.version": ("Show the version and exit.", "显示版本并退出。"),
    "lang.unknown": (
        "there is no language {name!r}; write --lang en or --lang zh_CN",
        "不支持语言 {name!r}；请使用 --lang en 或 --lang zh_CN",
    ),
    "opt.json": ("Print JSON.", "输出 JSON。"),
    "opt.data_dir": ("Data folder.", "数据目录。"),
    "opt.policy": (
        "Folder of the policy pack; the starter pack if left out.",
        "策略包目录；省略则为自带的入门策略包。",
    ),
    "opt.tenant": ("Whose events these are.", "事件所属租户。"),
    "opt.host": ("Address to listen on.", "监听地址。"),
    "opt.port": ("Port to listen on; 0 takes any.", "监听端口；0 表示任选。"),
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
        "decide, record, read, evidence, lists or metrics; may be given several times.",
        "decide、record、read、evidence、lists 或 metrics；可多次给出。",
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
    "opt.log_key": (
        "Verifier key of the log: name+keyid+base64.",
        "日志的验证公钥：name+keyid+base64。",
    ),
    "opt.origin": (
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
    # Serving
    "serve.listening": (
        "Kanhe {version} listens on {url} ({keys}). Stop with Ctrl+C.",
        "勘合 {version} 正在监听 {url}（{keys}）。按 Ctrl+C 停止。",
    ),
    "serve.with_keys": ("API keys required", "需要 API 密钥"),
    "serve.open": ("open: no API keys", "开放：不要求 API 密钥"),
    "serve.stopped": (
        "Stopped; everything answered is on disk.",
        "已停止；所有已应答的事件均已落盘。",
    ),
    "serve.no_keys": (
        "there is no valid API key yet. Make one:\n"
        "  kanhe keys create --tenant shop --name backend\n"
        "or try Kanhe without keys, on this machine only:\n"
        "  kanhe serve --open",
        "还没有有效的 API 密钥。请先创建：\n"
        "  kanhe keys create --tenant shop --name backend\n"
        "或者仅在本机免密钥试用：\n"
        "  kanhe serve --open",
    ),
    "rebuild.progress": (
        "rebuilding memory from the journal: {done} of {total}",
        "正在根据事件日志重建内存状态：{done} / {total}",
    ),
    # Deciding
    "decide.summary": (
        "{accepted} accepted ({repeated} of them seen before), {refused} refused",
        "接受 {accepted} 条（其中 {repeated} 条此前已处理），拒绝 {refused} 条",
    ),
    # Keys
    "keys.created": (
        "Key {id} for tenant {tenant}. Its token, shown this once:",
        "已为租户 {tenant} 创建密钥 {id}。令牌如下，仅显示这一次：",
    ),
    "keys.revoked": ("Key {id} is revoked.", "密钥 {id} 已吊销。"),
    "keys.limit": ("{rate}/s, {burst} at once", "每秒 {rate}，瞬时 {burst}"),
    "keys.none": ("There are no keys.", "没有密钥。"),
    "keys.unknown_scope": (
        "unknown scope {scope!r}; there are: {known}",
        "未知权限 {scope!r}；可用的有：{known}",
    ),
    "col.id": ("id", "编号"),
    "col.tenant": ("tenant", "租户"),
    "col.name": ("name", "名称"),
    "col.scopes": ("scopes", "权限"),
    "col.rate": ("limit", "限额"),
    "col.created": ("created", "创建时间"),
    "col.state": ("state", "状态"),
    "state.valid": ("valid", "有效"),
    "state.expired": ("expired", "已过期"),
    "state.revoked": ("revoked", "已吊销"),
    # Witness
    "witness.made": (
        "A witness is made in {path}. Its verifier key, for those who check:",
        "已在 {path} 创建见证方。供验证者使用的公钥如下：",
    ),
    "witness.added": (
        "The log {origin} is known by the key {key_id}.",
        "已登记日志 {origin} 的公钥 {key_id}。",
    ),
    "witness.added_before": (
        "The log {origin} was known by the key {key_id} already.",
        "日志 {origin} 的公钥 {key_id} 此前已登记。",
    ),
    "witness.listening": (
        "The witness {name} listens on {url}. Stop with Ctrl+C.",
        "见证方 {name} 正在监听 {url}。按 Ctrl+C 停止。",
    ),
    "witness.stopped": (
        "Stopped; everything cosigned is remembered.",
        "已停止；所有已联署的内容均已记录。",
    ),
    "witness.logs": ("Logs that {name} knows", "{name} 已登记的日志"),
    "witness.none": (
        "No log is known yet. Add one: kanhe witness add VKEY",
        "尚未登记日志。请运行：kanhe witness add VKEY",
    ),
    "col.log": ("log", "日志"),
    "col.keys": ("keys", "公钥"),
    "col.cosigned": ("entries cosigned", "已联署条目数"),
    "col.root": ("root", "根哈希"),
    # Policy
    "policy.fine": (
        "{name} {version}: fine. {features} features, {rules} rules, {lists} lists.",
        "{name} {version}：检查通过。{features} 个特征，{rules} 条规则，{lists} 个名单。",
    ),
    "policy.advice": ("Worth a look:", "建议留意："),
    "policy.mistake": ("{count} mistake", "共 {count} 处错误"),
    "policy.mistakes": ("{count} mistakes", "共 {count} 处错误"),
    "policy.features": ("Features", "特征"),
    "policy.rules": ("Rules", "规则"),
    "policy.lists": ("Lists", "名单"),
    "policy.verdict": (
        "challenge from {challenge} points, review from {review}, deny from {deny}",
        "{challenge} 分起二次验证，{review} 分起人工审核，{deny} 分起拒绝",
    ),
    "col.what": ("what is counted", "统计内容"),
    "col.points": ("points", "分值"),
    "col.outcome": ("outcome", "处置"),
    "col.reason": ("reason", "理由"),
    "col.holds": ("holds", "内容"),
    "col.kind": ("kind", "类别"),
    "col.entries": ("entries", "条目数"),
    # Lists
    "lists.unknown": (
        "the policy pack has no list {name!r}; it has: {known}",
        "策略包中没有名单 {name!r}；现有：{known}",
    ),
    "lists.no_address": (
        "{name} holds network addresses, and {value!r} is none",
        "名单 {name} 存放 IP 地址，而 {value!r} 不是 IP 地址",
    ),
    "lists.added": ("{value} is in {name} now.", "{value} 已加入 {name}。"),
    "lists.removed": ("{value} is no longer in {name}.", "{value} 已从 {name} 移除。"),
    "lists.absent": ("{value} is not in {name}.", "{value} 不在 {name} 中。"),
    "lists.empty": (
        "{tenant} has no entries of its own in {name}.",
        "{tenant} 在 {name} 中没有自己的条目。",
    ),
    "lists.taken_out": ("taken out", "已排除"),
    "col.value": ("value", "值"),
    "col.expires": ("expires", "到期"),
    "col.author": ("author", "操作人"),
    "col.added": ("added", "添加时间"),
    # Events
    "events.unknown": (
        "there is no event type {name!r}{hint}; see: kanhe events list",
        "没有事件类型 {name!r}{hint}；请运行：kanhe events list",
    ),
    "events.example": ("Example", "示例"),
    "col.type": ("type", "类型"),
    "col.meaning": ("meaning", "含义"),
    "col.needed": ("needed fields", "必填字段"),
    "col.field": ("field", "字段"),
    "col.unit": ("unit", "单位"),
    "col.need": ("needed", "必填"),
    "need.required": ("yes", "是"),
    "need.optional": ("no", "否"),
    # Import
    "import.progress": ("Reading {name}", "正在读取 {name}"),
    "import.title": ("Where every line of {name} went", "{name} 每一行的去向"),
    "import.accepted": ("part of an accepted event", "已成为有效事件"),
    "import.set_aside": ("set aside", "搁置"),
    "import.refused": ("refused", "拒绝"),
    "import.noted": ("accepted, but odd", "已接受，但有异常"),
    "import.events": (
        "{events} events from {lines} lines in {seconds:.1f} s ({rate}/s)",
        "{lines} 行生成 {events} 个事件，用时 {seconds:.1f} 秒（{rate}/秒）",
    ),
    "import.outcomes": ("Outcomes: {outcomes}", "判定结果：{outcomes}"),
    "outcome.allow": ("allow", "放行"),
    "outcome.challenge": ("challenge", "二次验证"),
    "outcome.review": ("review", "人工审核"),
    "outcome.deny": ("deny", "拒绝"),
    "import.repeated": (
        "{count} of the events had been imported before and were not counted again",
        "其中 {count} 个事件此前已导入，未重复计入",
    ),
    "import.differing": (
        "{count} of those came with other content than before: their first version stands. "
        "Was the first file cut short?",
        "其中 {count} 个内容与上次不同，以首次导入的为准。上次的文件是否不完整？",
    ),
    "col.lines": ("lines", "行数"),
    "col.first": ("first lines", "首批行号"),
    "col.where": ("what happened", "处理"),
    # Doctor
    "doctor.title": ("How things stand", "检查结果"),
    "doctor.fine": ("fine", "正常"),
    "doctor.look": ("look", "留意"),
    "doctor.bad": ("wrong", "异常"),
    "col.check": ("check", "检查项"),
    "col.found": ("found", "结果"),
    "col.do": ("what to do", "处理建议"),
    "check.python": ("Python", "Python"),
    "check.kernel": ("feature kernel", "特征计算内核"),
    "check.folder": ("data folder", "数据目录"),
    "check.disk": ("disk space", "磁盘空间"),
    "check.sync": ("durable writes", "落盘速度"),
    "check.journal": ("journal", "事件日志"),
    "check.clock": ("clock", "时钟"),
    "check.files": ("open files", "可打开文件数"),
    "check.port": ("port", "端口"),
    "check.policy": ("policy pack", "策略包"),
    "check.keys": ("API keys", "API 密钥"),
    "do.python": ("Kanhe needs Python 3.11 or newer.", "需要 Python 3.11 或更高版本。"),
    "do.kernel": (
        "The first start compiles the kernel; later starts take it from the cache. Keep the cache"
        " folder writable, or set NUMBA_CACHE_DIR.",
        "首次启动需要编译内核，之后从缓存加载。请保证缓存目录可写，或设置 NUMBA_CACHE_DIR。",
    ),
    "do.folder": (
        "Choose another folder with --data-dir, or make this one writable for this user.",
        "用 --data-dir 选择其他目录，或授予当前用户写权限。",
    ),
    "do.in_use": (
        "Stop the other process before using commands that write here.",
        "使用会写入该目录的命令之前，请先停止该进程。",
    ),
    "do.disk": (
        "Free some space: when the disk is full, Kanhe refuses events.",
        "请清理空间：磁盘写满后将拒绝新事件。",
    ),
    "do.sync": (
        "Put the data folder on a local SSD; each group of answers waits for one such write.",
        "请把数据目录放在本地 SSD 上；每组应答都要等待一次落盘。",
    ),
    "do.journal": (
        "Stop Kanhe, keep a copy of the file, and restore the last good backup.",
        "停止服务，保留该文件副本，并恢复最近一次可用备份。",
    ),
    "do.clock": (
        "Synchronise the clock (chrony, systemd-timesyncd): event times are checked against it.",
        "请同步系统时钟（chrony、systemd-timesyncd）：事件时间以此为准进行检查。",
    ),
    "do.files": (
        "Raise the limit: ulimit -n 65536, or LimitNOFILE= in the service unit.",
        "提高上限：ulimit -n 65536，或在服务单元中设置 LimitNOFILE=。",
    ),
    "do.port": (
        "Kanhe may be running already; otherwise choose another port with --port.",
        "可能 Kanhe 已在运行；否则请用 --port 选择其他端口。",
    ),
    "do.policy": (
        "See every mistake with: kanhe policy check {folder}",
        "查看全部错误：kanhe policy check {folder}",
    ),
    "do.keys": (
        "Make one: kanhe keys create --tenant shop --name backend",
        "创建密钥：kanhe keys create --tenant shop --name backend",
    ),
    "found.compiled": ("runs, {seconds:.1f} s to load", "可用，加载用时 {seconds:.1f} 秒"),
    "found.writable": ("{path}, writable", "{path}，可写"),
    "found.absent": ("{path}, will be made", "{path}，将自动创建"),
    "found.in_use": ("{path}, in use by process {pid}", "{path}，正被进程 {pid} 使用"),
    "found.space": ("{gib:.1f} GiB free", "剩余 {gib:.1f} GiB"),
    "found.sync": ("{ms:.2f} ms each (median)", "每次 {ms:.2f} 毫秒（中位数）"),
    "found.journal": ("{rows} events, no damage found", "{rows} 个事件，未发现损坏"),
    "found.no_journal": ("none yet", "尚无"),
    "found.clock": ("{now} UTC", "{now} UTC"),
    "found.clock_back": (
        "{now} UTC, earlier than the last event in the journal",
        "{now} UTC，早于事件日志中的最后一个事件",
    ),
    "found.files": ("{limit} at once", "最多 {limit} 个"),
    "found.port": ("{host}:{port} is free", "{host}:{port} 可用"),
    "found.port_taken": ("{host}:{port} is taken", "{host}:{port} 已被占用"),
    "found.policy": ("{name} {version}, {rules} rules", "{name} {version}，{rules} 条规则"),
    "found.keys": ("{count} valid", "{count} 个有效"),
    # Demo
    "demo.making": ("A simulated shop opens: {events} events", "模拟店铺开张：{events} 个事件"),
    "demo.judging": ("Judging", "判定中"),
    "demo.title": ("What was caught", "识别情况"),
    "demo.simulated": (
        "A simulation with known truth. Numbers on your own shop will differ.",
        "以上为模拟数据，每个事件的真相均已知；真实店铺的数字会有所不同。",
    ),
    "col.attack": ("attack", "攻击"),
    "col.events": ("events", "事件数"),
    "col.caught": ("caught", "识别率"),
    "col.attackers": ("attackers caught", "攻击者识别率"),
    "col.first_caught": ("first caught after", "首次识别用时"),
    "col.first_stopped": ("first blocked after", "首次拦截用时"),
    "demo.columns": (
        "Caught: asked for proof, held for review or denied. Blocked: held or denied.",
        "“识别”指未直接放行：二次验证、人工审核或拒绝；“拦截”仅指人工审核或拒绝。",
    ),
    "demo.never": ("never", "从未"),
    "demo.at_once": ("at once", "立即"),
    "demo.needs_map": (
        "--data needs --map, a mapping that says which column becomes which field (docs/import.md)",
        "使用 --data 时须用 --map 指定映射，说明哪一列对应哪个字段（见 docs/zh-CN/import.md）",
    ),
    "span.d": ("{value:.1f} d", "{value:.1f} 天"),
    "span.h": ("{value:.1f} h", "{value:.1f} 小时"),
    "span.min": ("{value:.1f} min", "{value:.1f} 分钟"),
    "span.s": ("{value:.1f} s", "{value:.1f} 秒"),
    "span.ms": ("{value:.0f} ms", "{value:.0f} 毫秒"),
    "demo.honest": (
        "Honest buyers: {events} events, {alarmed} false alarms ({rate:.2%});"
        " {buyers_alarmed} of {buyers} buyers ever noticed ({buyer_rate:.2%});"
        " denied: {denied}.",
        "正常买家：{events} 个事件，误报 {alarmed} 次（{rate:.2%}）；"
        "{buyers} 位买家中有 {buyers_alarmed} 位受到过打扰（{buyer_rate:.2%}）；被拒绝 {denied} 次。",
    ),
    "demo.others": (
        "Honest merchants, couriers and staff: {alarmed} false alarms in {events} events.",
        "正常商家、快递员和员工：{events} 个事件中误报 {alarmed} 次。",
    ),
    "demo.speed": (
        "{events} events in {seconds:.1f} s: {rate} decisions per second, each durable;"
        " p50 {p50:.0f} µs, p99 {p99:.0f} µs to decide one.",
        "{events} 个事件用时 {seconds:.1f} 秒：每秒 {rate} 次判定且全部落盘；"
        "单次判定 p50 {p50:.0f} 微秒，p99 {p99:.0f} 微秒。",
    ),
    "demo.kept": ("Everything is in {path}.", "全部数据保存在 {path}。"),
    "demo.suspicious": ("Most suspicious customers", "最可疑的客户"),
    "demo.no_labels": (
        "Real orders carry no labels: these customers deserve a look, nothing more is proved.",
        "真实订单没有标签：以下客户值得关注，但并不代表已被证实有问题。",
    ),
    "col.customer": ("customer", "客户"),
    "col.orders": ("events", "事件数"),
    "col.score": ("highest score", "最高分"),
    "col.flagged": ("not allowed", "未放行"),
    "col.why": ("why", "原因"),
    # Replay
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
    "differs.row": ("The row does not fit together.", "记录自相矛盾。"),
    "differs.vector": ("Memory came out otherwise:", "内存状态与当时不同："),
    "differs.answer": (
        "The same vector, but another decision.",
        "特征向量相同，但判定不同。",
    ),
    "differs.more": ("  and {count} more features", "  另有 {count} 个特征"),
    "differs.follows": (
        "The decision follows from what was served, but memory came out otherwise.",
        "判定与当时所用的特征向量相符，但重建出的内存状态不同。",
    ),
    "differs.follows_not": (
        "The decision does not follow from what was served either.",
        "用当时的特征向量也得不出该判定。",
    ),
    "differs.rules": ("Rules then: {then}; now: {now}", "当时触发：{then}；现在触发：{now}"),
    "differs.same_answer": (
        "The answer has the same bytes all the same.",
        "答复字节仍然一致。",
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
    "col.pack": ("policy pack", "策略包"),
    "col.first_row": ("from", "起"),
    "col.last_row": ("to", "止"),
    "col.equal": ("equal", "一致"),
    "col.different": ("different", "不一致"),
    "col.number": ("number", "编号"),
    "col.decision": ("decision", "判定编号"),
    "col.differs": ("what differs", "差异"),
    "col.outcome_then": ("then", "原结果"),
    "col.outcome_now": ("now", "新结果"),
    "col.money": ("money", "金额"),
    "col.rule": ("rule", "规则"),
    "col.fired_then": ("fired then", "原触发"),
    "col.fired_now": ("fired now", "现触发"),
    "col.decisive_then": ("decisive then", "原关键"),
    "col.decisive_now": ("decisive now", "现关键"),
    "col.event": ("event", "事件"),
}
"""Key: (English, Chinese), each translated by meaning."""
