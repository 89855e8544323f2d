"""The life of policy packs."""

from __future__ import annotations

POLICY: dict[str, tuple[str, str]] = {
    "help.policy.propose": (
        "Propose a pack: it is checked, kept in the journal, and begins its way.",
        "提交策略包：校验后保存到事件日志，由此开始流转。",
    ),
    "help.policy.status": (
        "Show all proposed packs, or one with its steps.",
        "查看全部已提交的策略包，或查看其中一个的流转记录。",
    ),
    "help.policy.backtest": (
        "Decide the past of the journal again under a proposed pack, and note what came of it.",
        "用已提交的策略包重新判定历史事件，并记录结果。",
    ),
    "help.policy.shadow": (
        "Have a pack judge every event beside the one in force, without effect.",
        "让策略包进入影子运行：与线上策略一同判定，但不生效。",
    ),
    "help.policy.share": (
        "Have a pack decide for a part of the buyers; 0 takes the share back.",
        "让策略包接管一部分买家的判定；0 表示收回。",
    ),
    "help.policy.approve": (
        "Approve a pack that somebody else proposed.",
        "审批他人提交的策略包。",
    ),
    "help.policy.activate": (
        "Put an approved pack in force, also in a running server.",
        "让已审批的策略包上线，服务运行中亦可。",
    ),
    "help.policy.withdraw": (
        "Take a pack that is not live off its way.",
        "撤回尚未上线的策略包。",
    ),
    "help.policy.rollback": (
        "Put the pack before back in force.",
        "回滚到上一个策略包。",
    ),
    "help.policy.release": (
        "Let a rule go that the governor holds.",
        "解除对某条规则的限额限制。",
    ),
    "help.policy.compare": (
        "Tell what a pack in shadow would have decided.",
        "查看影子运行的策略包会作出哪些不同判定。",
    ),
    "help.policy.warm": (
        "Make the memory of a proposed pack ready; a server does so by itself.",
        "预先构建策略包的内存状态；服务会自动进行。",
    ),
    "help.policy.follow": (
        "Judge in shadow beside the server; a server starts this by itself.",
        "在服务旁进行影子判定；服务会自动启动。",
    ),
    "opt.server": (
        "URL of the server to ask; if left out, the data folder, or the server that uses it.",
        "要连接的服务地址；省略时直接使用数据目录，若已被服务占用则连接该服务。",
    ),
    "opt.token_file": (
        "File with your API key; if left out, KANHE_TOKEN.",
        "存放本人 API 密钥的文件；省略时取环境变量 KANHE_TOKEN。",
    ),
    "opt.why": ("Why; it stands in the log for ever.", "原因；将永久写入透明日志。"),
    "opt.policy_hash": (
        "Content hash of the pack, or its first digits.",
        "策略包的内容哈希，或其前几位。",
    ),
    "opt.proposed": ("Folder of the pack to propose.", "要提交的策略包目录。"),
    "opt.percent": (
        "Per cent of the buyers: 10 at most before approval, 50 after.",
        "买家百分比：审批前最多 10，审批后最多 50。",
    ),
    "opt.show_shadow": ("How many events to show.", "展示多少个事件。"),
    "opt.held_rule": ("Id of the rule; * for all together.", "规则编号；* 表示全部规则合计。"),
    "opt.held_outcome": ("Which cap: deny or challenge.", "哪一项限额：deny 或 challenge。"),
    "opt.release_for": (
        "For so long it has no cap, such as 4h.",
        "在多长时间内不设限额，例如 4h。",
    ),
    "opt.follow_once": ("Judge what is there, and end.", "处理完现有事件即结束。"),
    "life.token_file": ("cannot read {file}: {cause}", "无法读取 {file}：{cause}"),
    "life.no_token": (
        "a step is taken by a person: put your API key into {env}, or name a file with --token-file",
        "每一步都须由具体的人执行：请将本人 API 密钥放入 {env}，或用 --token-file 指定文件",
    ),
    "life.who": (
        "this API key is unknown, revoked or expired",
        "该 API 密钥不存在、已吊销或已过期",
    ),
    "life.scope": ("the key of {name} lacks the scope {scope}", "{name} 的密钥缺少权限 {scope}"),
    "life.release_needs_server": (
        "what the governor holds is known to the server that judges: start it first",
        "限额状态由运行中的服务掌握：请先启动服务",
    ),
    "life.bad_server": ("{url} is no URL of a server", "{url} 不是有效的服务地址"),
    "life.no_server": (
        "the server at {url} cannot be reached: {cause}; name it with --server",
        "无法连接 {url}：{cause}；请用 --server 指定服务地址",
    ),
    "life.odd_answer": (
        "the server's answer cannot be read: {cause}",
        "无法解析服务的答复：{cause}",
    ),
    "life.percent": (
        "{got} is no share: 0 to 100 per cent, with one decimal at most",
        "{got} 不是有效的百分比：应在 0 到 100 之间，至多一位小数",
    ),
    "life.in_force": ("In force: {hash}", "当前生效：{hash}"),
    "life.wanted": (
        "Coming into force as soon as its memory is ready: {hash}",
        "内存状态就绪后即生效：{hash}",
    ),
    "life.from_settings": (
        "It is the pack of the settings; none has been activated yet.",
        "取自设置；尚未激活过任何策略包。",
    ),
    "life.held": (
        "The governor holds rule {rule} about {event_type}: {outcome} goes to a person.",
        "规则 {rule}（{event_type}）已被限额限制：{outcome} 转人工审核。",
    ),
    "life.none": ("No pack was proposed yet.", "尚无提交的策略包。"),
    "life.released": ("Rule {rule} is let go.", "已解除对规则 {rule} 的限制。"),
    "life.warming": ("Taking in the journal", "正在读取事件日志"),
    "life.warmed": (
        "The memory of {policy} is ready, up to #{last}.",
        "{policy} 的内存状态已就绪，截至 #{last}。",
    ),
    "life.state.draft": ("draft", "草稿"),
    "life.state.checked": ("checked", "已校验"),
    "life.state.backtested": ("backtested", "已回测"),
    "life.state.shadow": ("in shadow", "影子运行"),
    "life.state.sharing": ("with a share", "灰度"),
    "life.state.approved": ("approved", "已审批"),
    "life.state.starting": ("starting", "上线中"),
    "life.state.live": ("live", "线上"),
    "life.state.retired": ("retired", "已替换"),
    "life.state.rolled_back": ("rolled back", "已回滚"),
    "life.state.withdrawn": ("withdrawn", "已撤回"),
    "life.step.proposed": ("proposed", "提交"),
    "life.step.checked": ("checked", "校验"),
    "life.step.backtested": ("backtested", "回测"),
    "life.step.shadowed": ("into shadow", "影子运行"),
    "life.step.shared": ("share", "灰度"),
    "life.step.approved": ("approved", "审批"),
    "life.step.activated": ("activated", "激活"),
    "life.step.rolled_back": ("rolled back", "回滚"),
    "life.step.in_force": ("in force", "生效"),
    "life.step.withdrawn": ("withdrawn", "撤回"),
    "shadow.nothing": (
        "nothing is known of {policy} in shadow yet: it judges as soon as it is in shadow and a"
        " server runs",
        "尚无 {policy} 的影子判定：策略包进入影子运行且服务已启动后即开始",
    ),
    "shadow.agree": (
        "#{first} to #{last}: the same outcome for {share} of {events} decisions.",
        "#{first} 至 #{last}：{events} 次判定中，{share} 结果相同。",
    ),
    "shadow.rules": ("By rule of the pack in shadow", "按影子策略的规则"),
    "shadow.examples": ("The newest that it would have decided harder", "影子判定更严的最新事件"),
    "shadow.followed": ("{events} decisions were made in shadow.", "影子判定 {events} 次。"),
    "col.live": ("answered", "线上结果"),
    "col.shadow": ("in shadow", "影子结果"),
    "col.newly_denied": ("only it denies", "仅影子拒绝"),
    "col.decision_id": ("decision", "判定编号"),
    "col.hash": ("hash", "哈希"),
    "col.version": ("version", "版本"),
    "col.fired": ("fired", "触发次数"),
    "col.rules": ("rules", "规则"),
    "col.stands_since": ("since", "自"),
    "col.proposer": ("proposed by", "提交人"),
    "col.approved_by": ("approved by", "审批人"),
    "col.traffic": ("share", "灰度比例"),
    "col.when": ("when", "时间"),
    "col.step": ("step", "步骤"),
    "col.who": ("who", "操作人"),
    "col.because": ("why", "原因"),
}
"""Key: (English, Chinese), each translated by meaning."""
