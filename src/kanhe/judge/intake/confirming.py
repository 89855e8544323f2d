"""Built-in event types of step-ups: asking a buyer to show that it is they, and what came of it.

Kanhe sends them itself (`docs/step-up.md`). They weigh much, so that a key needs the
scope `step_up` to send them: a shop that confirms by means of its own sends them with such a key.
"""

from __future__ import annotations

from kanhe.judge.intake.declarations import CONTEXT, NETWORK, EventType, event_type

_SCOPE = "step_up"
_BOUND = "step_up_purpose payee amount_minor currency decision"
_FACTOR = "factor step_up_method factor_authority step_up"

CONFIRMING: tuple[EventType, ...] = (
    event_type(
        "step_up.requested",
        "user step_up",
        (CONTEXT, NETWORK, _BOUND),
        "A buyer was asked to show that it is they, before a payment or a change of their factors.",
        "要求买家在付款或更改验证因素之前完成二次验证。",
        at_ms=1767226264000, user="u-1001", step_up="su-4f2k", step_up_purpose="payment",
        device="d-77", ip="203.0.113.7", session="s-9", order="o-3001", payee="Shop Seven",
        amount_minor=57800, currency="CNY", decision="d1-42-7c",
        restricted=_SCOPE,
    ),
    event_type(
        "step_up.passed",
        "user step_up",
        (CONTEXT, NETWORK, _BOUND, "step_up_method factor"),
        "The buyer showed it, for exactly this order, payee and amount.",
        "买家已针对该订单、收款方和金额通过二次验证。",
        at_ms=1767226290000, user="u-1001", step_up="su-4f2k", step_up_purpose="payment",
        step_up_method="passkey", factor="fa-9c1d", device="d-77", ip="203.0.113.7", session="s-9",
        order="o-3001", payee="Shop Seven", amount_minor=57800, currency="CNY",
        restricted=_SCOPE,
    ),
    event_type(
        "step_up.failed",
        "user step_up",
        (CONTEXT, NETWORK, _BOUND, "step_up_method step_up_failure attempts_left"),
        "An attempt to show it failed. The last one has `attempts_left` 0.",
        "二次验证的一次尝试失败；最后一次失败时 attempts_left 为 0。",
        at_ms=1767226285000, user="u-1001", step_up="su-4f2k", step_up_purpose="payment",
        step_up_method="totp", step_up_failure="wrong_code", attempts_left=4, device="d-77",
        ip="203.0.113.7", session="s-9", order="o-3001", payee="Shop Seven", amount_minor=57800,
        currency="CNY",
        restricted=_SCOPE,
    ),
    event_type(
        "account.factor_added",
        "user",
        (CONTEXT, NETWORK, _FACTOR, "note"),
        "A second factor was added to an account and counts from now on.",
        "账号新增了一个验证因素，即刻生效。",
        at_ms=1767226010000, user="u-1001", factor="fa-9c1d", step_up_method="passkey",
        factor_authority="step_up", step_up="su-2b7m", device="d-77", ip="203.0.113.7",
        session="s-9",
        restricted=_SCOPE,
    ),
    event_type(
        "account.factor_removed",
        "user",
        (CONTEXT, NETWORK, _FACTOR, "staff ticket note"),
        "A second factor was taken off an account.",
        "账号移除了一个验证因素。",
        at_ms=1767226020000, user="u-1001", factor="fa-1e5p", step_up_method="totp",
        factor_authority="staff", staff="st-5", ticket="T-881", note="Lost phone, identity checked.",
        restricted=_SCOPE,
    ),
)  # fmt: skip
