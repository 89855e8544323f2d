"""Built-in event types of vetting, staff, other security tools, labels of truth, and lists."""

from __future__ import annotations

from kanhe.judge.intake.declarations import CONTEXT, NETWORK, EventType, event_type

_ANYONE = f"{CONTEXT} parcel courier staff"
_LIST_SCOPE = "lists"

OVERSIGHT: tuple[EventType, ...] = (
    event_type(
        "merchant.applied",
        "merchant",
        (CONTEXT, NETWORK, "merchant_kind legal_name licence_ids owners licence_days_left "
         "business_days merchant_country bank_account bank_country kyc_passed documents_match "
         "names_match is_virtual_phone is_disposable_email phone_country category brand "
         "referrer_user fill_ms external_score approver staff note"),
        "Somebody applied to sell on the platform.",
        "有人申请入驻成为商家。",
        at_ms=1767139200000, merchant="m-7", user="u-2001", ip="198.51.100.20",
        email="shop@example.org", merchant_kind="company", legal_name="Acme Trading",
        licence_ids=["91310000MA1K00001X"], owners=["h-11", "h-12"], business_days=640,
        licence_days_left=900, merchant_country="CN", bank_account="h-7c1d", kyc_passed=True,
        documents_match=True,
    ),
    event_type(
        "staff.action",
        "staff staff_action",
        (_ANYONE, NETWORK, "resource staff_role record_count amount_minor currency approver ticket "
         "is_own_record is_new_device mfa_used list_name value payout refund complaint payment "
         "bank_account coupon changed subject_event subject_at_ms note"),
        "An employee, or a service account, did something with the shop's records or money.",
        "员工或服务账号对平台记录或资金进行了操作。",
        at_ms=1767930000000, staff="st-5", staff_action="exported", resource="customer",
        record_count=2500, staff_role="support", device="d-staff-3", ip="192.0.2.15",
        mfa_used=True, is_own_record=False,
    ),
    event_type(
        "finding.reported",
        "source severity title",
        (_ANYONE, NETWORK, "finding finding_kind finding_rule asset cvss_tenths confidence "
         "request_count record_count was_blocked is_fixed description links_count has_attachment "
         "subject_event subject_at_ms label note"),
        "Another security tool, or a person, reported something.",
        "其他安全工具或人员上报了发现。",
        at_ms=1767931000000, source="edge-waf", severity="high", title="SQL injection attempt",
        finding_kind="waf", finding_rule="942100", ip="203.0.113.99", asset="api.shop.example",
        request_count=381, was_blocked=True, confidence=95,
        anonymous=True,
    ),
    event_type(
        "label.assigned",
        "verdict",
        (_ANYONE, "subject_event subject_at_ms label_source confidence amount_minor currency "
         "complaint payment refund payout review note"),
        "What turned out to be true about an earlier event and those it named, with the time by "
        "which it was known.",
        "事后查明的真实情况：针对先前某事件及其涉及的实体，并附查明时间。",
        at_ms=1769990400000, verdict="fraud", user="u-1001", card="tok-9f3a", device="d-77",
        merchant="m-7", order="o-3001", subject_event="ex-payment.attempted",
        subject_at_ms=1767226260000, label_source="chargeback", confidence=90,
    ),
    event_type(
        "list.entry_added",
        "list_name value staff",
        ("approver ticket expires_ms subject_event note",),
        "An entry was put on a list of the policy pack. `staff` is its author.",
        "名单新增条目。staff 为添加人。",
        at_ms=1767940000000, list_name="stolen_cards", value="tok-9f3a", staff="st-5",
        expires_ms=1799476000000, note="Reported by the issuing bank.",
        restricted=_LIST_SCOPE,
    ),
    event_type(
        "list.entry_removed",
        "list_name value staff",
        ("approver ticket subject_event note",),
        "An entry was taken off a list. `staff` is who did it.",
        "名单移除条目。staff 为操作人。",
        at_ms=1767950000000, list_name="stolen_cards", value="tok-9f3a", staff="st-5",
        note="The cardholder was reached and confirmed.",
        restricted=_LIST_SCOPE,
    ),
)  # fmt: skip
