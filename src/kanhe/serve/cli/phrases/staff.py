"""People of the console: `kanhe init` and `kanhe staff`."""

from __future__ import annotations

STAFF: dict[str, tuple[str, str]] = {
    "help.init": (
        "Begin: make the desk if it is new, and print the one-time link of its first security manager.",
        "初始化：新建工作台，并输出首位安全主管的一次性链接。",
    ),
    "opt.again": (
        "Print a link although somebody can sign in; for when all access was lost. It is recorded.",
        "即使已有人可登录也生成链接，用于丢失全部访问权限时；会留痕。",
    ),
    "init.link": (
        "Open this link in a browser within three days. It opens once, and makes the account of a"
        " security manager:",
        "请在三天内用浏览器打开以下链接。链接仅可使用一次，用于创建安全主管账号：",
    ),
    "init.next": (
        "The console must run: `kanhe serve` starts it. There is no default password.",
        "控制台须处于运行状态：执行 kanhe serve 启动。系统没有默认密码。",
    ),
    "help.staff": ("The people of the console.", "管理控制台员工。"),
    "help.staff.list": ("List all people.", "列出全部员工。"),
    "help.staff.invite": (
        "Invite somebody, and print the one-time link to hand over.",
        "邀请员工，并输出一次性链接供转交。",
    ),
    "help.staff.invite-again": (
        "Print a new link for somebody to set up how they sign in; accepting it removes what they had.",
        "为员工生成新链接以重新设置登录方式；接受后原有登录方式失效。",
    ),
    "help.staff.sign-in-link": (
        "Print a link that signs somebody in once, within the hour. It is recorded.",
        "生成一次性登录链接，一小时内有效；会留痕。",
    ),
    "help.staff.disable": (
        "Let somebody in no more, and end their sessions.",
        "停用员工账号并结束其所有会话。",
    ),
    "opt.staff_mail": ("Mail address.", "邮箱。"),
    "opt.staff_name": ("Name of the person.", "姓名。"),
    "opt.staff_role": (
        "A role, such as risk_analyst; may be given more than once.",
        "角色，例如 risk_analyst；可重复指定。",
    ),
    "opt.staff_tenant": (
        "The only tenant they see; left out, all.",
        "仅可见的租户；省略表示全部租户。",
    ),
    "opt.staff_who": ("Mail address or id.", "邮箱或编号。"),
    "staff.nobody": (
        "Nobody has an account yet; `kanhe init` prints the first link.",
        "尚无账号；执行 kanhe init 获取首个链接。",
    ),
    "staff.invited": (
        "{name} is invited. Hand over this link; it opens once, within three days:",
        "已邀请 {name}。请转交以下链接，三天内有效，仅可使用一次：",
    ),
    "staff.again": (
        "A new link for {who}; it opens once, within three days:",
        "{who} 的新链接，三天内有效，仅可使用一次：",
    ),
    "staff.link": (
        "This link signs {who} in once, within the hour:",
        "以下链接可供 {who} 登录一次，一小时内有效：",
    ),
    "staff.disabled": (
        "{name} is disabled; all their sessions have ended.",
        "{name} 已停用，其所有会话均已结束。",
    ),
    "staff.all": ("all", "全部"),
    "staff.state.active": ("active", "正常"),
    "staff.state.invited": ("invited", "已邀请"),
    "staff.state.expired": ("invitation too old", "邀请已过期"),
    "staff.state.disabled": ("disabled", "已停用"),
    "col.staff.mail": ("mail", "邮箱"),
    "col.staff.name": ("name", "姓名"),
    "col.staff.roles": ("roles", "角色"),
    "col.staff.tenant": ("sees", "可见租户"),
    "col.staff.state": ("state", "状态"),
    "col.staff.signed_in": ("last sign-in (UTC)", "最近登录（UTC）"),
}
