"""The log and erasing: help, and what the commands tell."""

from __future__ import annotations

LEDGER: dict[str, tuple[str, str]] = {
    "help.ledger": (
        "Look at the log, audit it, check receipts, change its keys.",
        "查看与审计存证日志，核对凭证，更换密钥。",
    ),
    "help.ledger.show": (
        "Show the log's name, size, root, keys and witnesses.",
        "显示日志的名称、条数、根、公钥和见证方。",
    ),
    "help.ledger.audit": (
        "Read every row, entry, file and signed checkpoint again, and name the first misfit.",
        "重读每一行、每个条目、每个文件和历次检查点，指出第一处不符。",
    ),
    "help.ledger.receipt": ("Write the receipt of a decision.", "导出某个判定的凭证。"),
    "help.ledger.verify": (
        "Check a receipt, offline and without an installation.",
        "离线核对凭证，无需安装数据目录。",
    ),
    "help.ledger.rotate-key": (
        "Add a key that signs beside the others, or let an old one retire.",
        "增加一把同时签名的密钥，或停用旧密钥。",
    ),
    "help.ledger.run": (
        "Fold new rows into the log; 'kanhe serve' does it by itself.",
        "把新的行并入日志；kanhe serve 会自动执行。",
    ),
    "help.erase": (
        "Destroy what the journal holds about somebody; every proof stays valid.",
        "销毁事件日志中有关某人的内容；所有证明依然有效。",
    ),
    "opt.log_key": (
        "A public key of the log, as 'kanhe ledger show' prints it; may be given several times.",
        "日志的公钥，格式同 kanhe ledger show 的输出；可多次指定。",
    ),
    "opt.witness_key": (
        "A public key of a witness; may be given several times.",
        "见证方的公钥；可多次指定。",
    ),
    "opt.required": (
        "How many witnesses must have cosigned; all that are named if left out.",
        "至少需要几位见证方联署；省略则为全部列出的见证方。",
    ),
    "opt.origin": (
        "The log's name; the name of its first key if left out.",
        "日志名称；省略则取第一个公钥的名称。",
    ),
    "opt.decision": ("The id of the decision.", "判定编号。"),
    "opt.with_event": ("Open the event too, not only the answer.", "除答复外，同时打开事件原文。"),
    "opt.output": ("Where to write it; - for standard output.", "输出文件；- 表示标准输出。"),
    "opt.receipt": (
        "The .tlog-proof file; - for standard input.",
        ".tlog-proof 文件；- 表示标准输入。",
    ),
    "opt.retire": ("Let the key with this number sign no more.", "停用该编号的密钥。"),
    "opt.once": ("Fold all there is, then end.", "并入现有的全部行后退出。"),
    "opt.names": (
        "Who it is, as kind and id, such as user=u-42 or email=a@b.example.",
        "要删除的对象，写作“类别=编号”，例如 user=u-42 或 email=a@b.example。",
    ),
    "opt.reason": (
        "Why, for the record: a ticket or a law. Nothing about the person.",
        "删除依据，如工单号或法条，将记入日志；请勿填写个人信息。",
    ),
    "opt.by": ("Who asks for it; you if left out.", "申请人；省略则为当前用户。"),
    "opt.erase_dry_run": ("Only count what would be destroyed.", "只统计将要销毁的数量。"),
    "ledger.folded": ("The log holds {size} entries.", "日志现有 {size} 个条目。"),
    "ledger.origin": ("name", "名称"),
    "ledger.size": ("entries published", "已发布条目"),
    "ledger.waiting": ("rows waiting", "待并入的行"),
    "ledger.root": ("root", "根"),
    "ledger.cosigned": ("cosignatures / required", "联署数 / 要求数"),
    "ledger.key": ("key of the log", "日志公钥"),
    "ledger.retired_key": ("retired key of the log", "已停用的日志公钥"),
    "ledger.witness": ("key of a witness", "见证方公钥"),
    "ledger.auditing": ("auditing", "正在审计"),
    "ledger.misfit": ("DOES NOT FIT: {what}", "不符：{what}"),
    "ledger.fits": (
        "Everything fits: {size} entries, {signed} signed checkpoints; {erased} rows were erased.",
        "全部相符：{size} 个条目，{signed} 个已签检查点；其中 {erased} 行已删除内容。",
    ),
    "ledger.not_folded": ("{rows} rows are not folded yet.", "另有 {rows} 行尚未并入日志。"),
    "ledger.signed_by": ("signed by {signer}", "签名密钥：{signer}"),
    "ledger.keys_given": (
        "All of it was checked against the keys that you gave.",
        "以上均已用您给出的公钥核对。",
    ),
    "ledger.keys_not_given": (
        "Checked against the keys beside the log only: give --key with the key you noted in time.",
        "仅用日志旁边的公钥核对：请用 --key 给出您事先记下的公钥。",
    ),
    "ledger.verified": (
        "VERIFIED: entry {index} of {size} in the log {origin}",
        "VERIFIED 核对通过：日志 {origin} 共 {size} 条中的第 {index} 条（从 0 起）",
    ),
    "ledger.not_verified": ("NOT VERIFIED: {why}", "NOT VERIFIED 核对未通过：{why}"),
    "ledger.by_witnesses": ("cosigned by: {names}", "联署：{names}"),
    "ledger.nobody": ("nobody that was asked for", "所列见证方均未联署"),
    "ledger.opened": ("shown and fitting: {what}", "已打开且相符：{what}"),
    "ledger.event": ("the event", "事件"),
    "ledger.answer": ("the answer", "答复"),
    "ledger.nothing": ("the entry alone", "仅条目本身"),
    "ledger.no_decision": ("there is no decision {decision}", "没有编号为 {decision} 的判定"),
    "ledger.pending": (
        "{decision} is not in the log yet: try again in a second, or run 'kanhe ledger run --once'",
        "{decision} 尚未并入日志：请稍后再试，或运行 kanhe ledger run --once",
    ),
    "ledger.receipt_written": ("written to {path}", "已写入 {path}"),
    "ledger.key_added": (
        "Key {number} signs from now on, beside the others. Its public key, for all who check:\n{public}",
        "{number} 号密钥即日起与其他密钥同时签名。请把公钥告知所有核对方：\n{public}",
    ),
    "ledger.key_retired": (
        "Key {number} signs no more, and its secret is destroyed. Its public key is still needed to"
        " check what it signed:\n{public}",
        "{number} 号密钥已停用，私钥已销毁。核对以往签名仍需其公钥：\n{public}",
    ),
    "erase.searching": ("searching the journal", "正在检索事件日志"),
    "erase.how": (
        "name somebody as KIND=ID, such as user=u-42, not {got}",
        "请写成“类别=编号”，例如 user=u-42，而不是 {got}",
    ),
    "erase.none": ("No row speaks of them.", "没有任何一行涉及该对象。"),
    "erase.would": ("{rows} rows would be destroyed.", "将销毁 {rows} 行的内容。"),
    "erase.erased": (
        "The content of {rows} rows is destroyed; the erasure is noted as {id}.",
        "已销毁 {rows} 行的内容；本次删除记录为 {id}。",
    ),
    "check.log_keys": ("keys of the log", "日志密钥"),
    "check.log": ("log", "存证日志"),
    "check.witnesses": ("witnesses", "见证方"),
    "found.log_keys": ("{count} sign", "{count} 把在用"),
    "found.log": ("{size} entries, {waiting} rows waiting", "{size} 个条目，{waiting} 行待并入"),
    "found.witnesses": (
        "{cosigned} have cosigned, {required} are required",
        "已有 {cosigned} 方联署，要求 {required} 方",
    ),
    "do.log_keys": (
        "Keys are for their owner only (chmod 600); restore a missing or damaged one from its backup.",
        "密钥只应由属主读取（chmod 600）；缺失或损坏的密钥请从备份恢复。",
    ),
    "do.log": (
        "Run 'kanhe ledger run --once', or see why the sequencer does not run: 'kanhe serve' says so.",
        "请运行 kanhe ledger run --once，或查看 kanhe serve 的日志，找出定序进程未运行的原因。",
    ),
    "do.witnesses": (
        "See that the witnesses run and can be reached; the log goes on, and asks them again.",
        "请确认见证方正在运行且可以访问；日志照常写入，并会再次请求联署。",
    ),
    "do.witness_list": (
        "Mend the settings log_origin, log_witnesses and log_cosignatures, or the file they name.",
        "请修正设置 log_origin、log_witnesses、log_cosignatures，或其指定的文件。",
    ),
    "col.item": ("what", "项目"),
    "erase.queued": (
        "the request {id} waits: the process that holds the data folder has not done it yet",
        "请求 {id} 仍在等待：占用数据目录的进程尚未处理",
    ),
}
"""Key: (English, Chinese), each translated by meaning."""
