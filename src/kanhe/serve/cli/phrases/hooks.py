"""Sources of notices: `kanhe hooks`."""

from __future__ import annotations

HOOKS: dict[str, tuple[str, str]] = {
    "help.hooks": (
        "Sources of notices: payment providers and shop systems.",
        "管理通知来源：支付机构与店铺系统。",
    ),
    "help.hooks.add": (
        "Add a source, and print the path to enter at its provider. Secrets come from a file or from"
        " standard input, or are typed unseen.",
        "新增来源，并输出要在对方后台填写的路径。密钥从文件或标准输入读取，或以不回显方式输入。",
    ),
    "help.hooks.list": ("List the sources; never their secrets.", "列出全部来源（不显示密钥）。"),
    "help.hooks.rotate": (
        "Give a source a new secret or key; the one before it counts for a while yet.",
        "为来源更换密钥；旧密钥在一段时间内仍然有效。",
    ),
    "help.hooks.remove": (
        "Remove a source with its secrets; its notices are refused within a second.",
        "删除来源及其密钥；一秒之内即拒收其通知。",
    ),
    "help.hooks.test": (
        "Send a signed sample notice to the running server, and say what it answered.",
        "向运行中的服务发送一条已签名的样例通知，并显示应答。",
    ),
    "help.hooks.check": (
        "Check a mapping of your own and show every mistake; with --notice, show what a notice becomes.",
        "检查自备的映射并列出全部错误；加 --notice 可查看某条通知会变成哪些事件。",
    ),
    "opt.hook_name": (
        "What the source is called in the address: small letters, digits, hyphens and underscores.",
        "来源在地址中的名称：小写字母、数字、连字符和下划线。",
    ),
    "opt.hook_provider": (
        "stripe, adyen, shopify, woocommerce, wechat_pay, alipay, or standard for Standard Webhooks.",
        "stripe、adyen、shopify、woocommerce、wechat_pay、alipay，或 standard（Standard Webhooks）。",
    ),
    "opt.hook_secret": (
        "File with the secret, - for standard input.",
        "存放密钥的文件；- 表示从标准输入读取。",
    ),
    "opt.hook_public_key": (
        "File with the public key or certificate of the provider.",
        "存放对方公钥或证书的文件。",
    ),
    "opt.hook_password": (
        "File with user:password that requests must show besides.",
        "存放“用户名:密码”的文件；请求还须携带该口令。",
    ),
    "opt.hook_serial": (
        "Serial by which notices name the public key; that of a certificate is found by itself.",
        "通知用来指明公钥的序列号或公钥 ID；证书的序列号会自动读取。",
    ),
    "opt.hook_account": (
        "Take notices of this account only: merchant account, shop address, app_id, mchid.",
        "只接收该账户的通知：商户账户、店铺地址、app_id 或商户号。",
    ),
    "opt.hook_map": (
        "Name of the mapping; by default that of the provider.",
        "映射名称；默认与支付机构或店铺系统同名。",
    ),
    "opt.hook_rate": (
        "Notices per second in the long run; 0 for no limit.",
        "长期平均每秒可接收的通知数；0 表示不限。",
    ),
    "opt.hook_overlap": (
        "How long the secret before it still counts, such as 24h; 0 ends it at once.",
        "旧密钥继续有效的时长，如 24h；0 表示立即失效。",
    ),
    "opt.hook_url": (
        "Address of the server; by default that of the settings.",
        "服务地址；默认取自设置。",
    ),
    "opt.hook_file": ("The mapping file.", "映射文件。"),
    "opt.hook_notice": (
        "A notice as JSON: show what it becomes.",
        "JSON 格式的通知：查看它会变成哪些事件。",
    ),
    "opt.hook_topic": (
        "Its topic, where that stands in a header.",
        "通知主题（写在请求头中的情形）。",
    ),
    "hooks.no_provider": (
        "there is no provider {name}; there are: {known}",
        "没有名为 {name} 的支付机构或店铺系统；可选：{known}",
    ),
    "hooks.takes_no_secret": (
        "{provider} signs by a key of its own: give its public key by --public-key",
        "{provider} 用自己的私钥签名：请用 --public-key 提供其公钥",
    ),
    "hooks.takes_no_public_key": (
        "{provider} signs by a shared secret: give it by --secret",
        "{provider} 用共享密钥签名：请用 --secret 提供",
    ),
    "hooks.takes_no_password": (
        "{provider} shows no user and password",
        "{provider} 不携带用户名与密码",
    ),
    "hooks.type_secret": ("Secret of {provider}: ", "{provider} 的密钥："),
    "hooks.type_public_key": ("Public key of {provider}: ", "{provider} 的公钥："),
    "hooks.type_password": ("user:password for {provider}: ", "{provider} 的“用户名:密码”："),
    "hooks.nothing_given": (
        "give the new secret or key by --secret, --public-key or --password",
        "请用 --secret、--public-key 或 --password 提供新密钥",
    ),
    "hooks.added": (
        "{name}: notices of {provider} become events of the tenant {tenant}. Enter this path at the"
        " provider, behind the public address of this server:",
        "{name}：{provider} 的通知将成为租户 {tenant} 的事件。请在对方后台填写本服务公网地址加上以下路径：",
    ),
    "hooks.next": (
        "See one arrive: kanhe hooks test {name}",
        "试收一条：kanhe hooks test {name}",
    ),
    "hooks.none": ("There are no sources yet: kanhe hooks add", "还没有来源：kanhe hooks add"),
    "hooks.rotated": (
        "{name} has the new one in force; the one before it counts for {overlap} yet.",
        "{name} 的新密钥已生效；旧密钥在 {overlap} 内仍然有效。",
    ),
    "hooks.removed": (
        "{name} is removed. Switch its notices off at the provider, too.",
        "已删除 {name}。请同时在对方后台停用其通知。",
    ),
    "hooks.arrived": (
        "Taken: {sent} at {url} (HTTP {status}).",
        "已接收：{sent}，{url}（HTTP {status}）。",
    ),
    "hooks.became": ("Events: {events}", "事件：{events}"),
    "hooks.answered": ("Answered: {answer}", "应答：{answer}"),
    "hooks.not_taken": (
        "Not taken: {url} answered HTTP {status} ({problem}).",
        "未接收：{url} 应答 HTTP {status}（{problem}）。",
    ),
    "hooks.fine": ("{name} is fine: {title}", "{name} 没有错误：{title}"),
    "hooks.aside": ("No event ({kind}): {why}", "不生成事件（{kind}）：{why}"),
    "hooks.left_out": ("left out: {why}", "未写入：{why}"),
    "hooks.unknown": (
        "the mapping says nothing about such notices",
        "映射未涉及这类通知",
    ),
    "hooks.empty": (
        "its list holds no entry that an event is about",
        "其列表中没有可生成事件的条目",
    ),
    "hooks.kind_secret": ("secret", "共享密钥"),
    "hooks.kind_public_key": ("public key", "公钥"),
    "hooks.kind_password": ("password", "口令"),
    "hooks.ran_out": ("(ran out)", "（已失效）"),
    "hooks.until": ("until {moment}", "有效至 {moment}"),
    "check.hooks": ("sources of notices", "通知来源"),
    "found.hooks": ("{count} sources", "{count} 个来源"),
    "do.hooks": (
        "Mend the mapping (kanhe hooks check), or remove the source (kanhe hooks remove).",
        "请修正映射（kanhe hooks check），或删除该来源（kanhe hooks remove）。",
    ),
    "col.provider": ("provider", "机构"),
    "col.hook_map": ("mapping", "映射"),
    "col.account": ("account", "账户"),
    "col.hook_secrets": ("secrets", "密钥"),
}
