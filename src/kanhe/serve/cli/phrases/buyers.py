"""What the command line says about buyers and what they show that it is they with."""

from __future__ import annotations

BUYERS: dict[str, tuple[str, str]] = {
    "help.buyers": (
        "Look at the factors of buyers, and remove them for customer service.",
        "查看买家的验证因素，或由客服移除。",
    ),
    "help.buyers.factors": ("List what a buyer has set up.", "列出某买家已设置的验证因素。"),
    "help.buyers.remove": (
        "Remove a factor of somebody who has lost it, once you know that it is they.",
        "核实身份后，为丢失验证因素的买家将其移除。",
    ),
    "opt.buyer": ("The shop's id of the buyer.", "店铺的买家编号。"),
    "opt.factor": ("The factor, as the list shows it.", "验证因素编号，见列表。"),
    "opt.buyer_by": (
        "Who does it; by default the name you are signed in to this machine with.",
        "操作人；默认为本机登录名。",
    ),
    "opt.buyer_why": ("How you know that it is they, and why.", "如何核实身份，以及移除原因。"),
    "opt.buyer_ticket": ("The ticket it belongs to.", "相关工单编号。"),
    "buyers.none": ("This buyer has no factors.", "该买家没有验证因素。"),
    "buyers.removed": (
        "Factor {id} is gone; this is told as an action of {by}.",
        "验证因素 {id} 已移除，并记为 {by} 的操作。",
    ),
    "col.factor": ("factor", "验证因素"),
    "col.sent_to": ("address", "邮箱"),
    "col.used": ("last used", "上次使用"),
    "factor.totp": ("authenticator app", "身份验证器"),
    "factor.passkey": ("passkey", "通行密钥"),
    "factor.mail": ("mail", "邮件"),
    "factor.counts": ("in use", "已启用"),
    "factor.waits": ("not confirmed", "未确认"),
}
"""Key: (English, Chinese), each translated by meaning."""
