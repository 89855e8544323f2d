"""Built-in event types of parcels, labels on goods, and complaints."""

from __future__ import annotations

from kanhe.judge.intake.declarations import CONTEXT, PLACE, EventType, event_type

_PARCEL = (
    "parcel courier carrier station order user merchant product address device ip phone staff "
    "session email card"
)
_WEIGHTS = "weight_g declared_weight_g expected_weight_g"
_COMPLAINT = (
    "complaint_reason amount_minor currency order_minor images_count has_attachment payment "
    "refund review message label carrier subject_event subject_at_ms ordered_ms merchant_country "
    "account_created_ms language channel text note"
)

DELIVERY: tuple[EventType, ...] = (
    event_type(
        "parcel.shipped",
        "parcel",
        (_PARCEL, _WEIGHTS, PLACE, "shipping_method items_count products declared_minor "
         "amount_minor currency origin_country shipping_country city postal_code promised_ms "
         "ordered_ms delay_days is_reshipper is_po_box note"),
        "A parcel was handed to the carrier.",
        "包裹已交给承运方。",
        at_ms=1767312000000, parcel="SF1234567890", order="o-3001", merchant="m-7",
        user="u-1001", courier="c-12", address="a-55", carrier="sf", station="sh-03",
        weight_g=420, declared_weight_g=450, expected_weight_g=430, items_count=2,
        shipping_method="standard", lat=31.2304, lon=121.4737,
    ),
    event_type(
        "parcel.scanned",
        "parcel scan_kind",
        (_PARCEL, _WEIGHTS, PLACE, "scan_country promised_ms attempt_no distance_m delay_days "
         "photo_taken note"),
        "A parcel was scanned on its way.",
        "包裹在途中被扫描。",
        at_ms=1767340800000, parcel="SF1234567890", courier="c-12", station="hz-01",
        carrier="sf", scan_kind="arrived", weight_g=418, lat=30.2741, lon=120.1551,
        scan_country="CN",
    ),
    event_type(
        "parcel.delivered",
        "parcel",
        (_PARCEL, _WEIGHTS, PLACE, "handed_to photo_taken code_confirmed distance_m delay_days "
         "promised_ms ordered_ms attempt_no amount_minor currency shipping_country city "
         "postal_code names_match note"),
        "A parcel was delivered. The amount is what was collected on delivery.",
        "包裹已送达。金额为货到付款的代收金额。",
        at_ms=1767398400000, parcel="SF1234567890", order="o-3001", user="u-1001",
        merchant="m-7", courier="c-12", address="a-55", handed_to="doorstep", photo_taken=True,
        code_confirmed=False, distance_m=35, delay_days=-1, lat=31.2251, lon=121.4802,
    ),
    event_type(
        "label.scanned",
        "label",
        (CONTEXT, PLACE, "parcel courier staff label_result scanned_by is_first_scan attempt_no "
         "scan_country ip_country brand category channel language user_agent is_vpn is_proxy "
         "is_automated station note"),
        "Somebody scanned the anti-counterfeit label on goods.",
        "有人扫描了商品上的防伪标签。",
        at_ms=1767400000000, label="lb-000042", product="p-501", merchant="m-7", user="u-1001",
        label_result="genuine", scanned_by="consumer", is_first_scan=True, lat=31.2251,
        lon=121.4802, scan_country="CN", brand="Acme",
        anonymous=True,
    ),
    event_type(
        "complaint.opened",
        "complaint",
        (CONTEXT, _COMPLAINT, "parcel courier staff"),
        "A buyer or merchant complained.",
        "买家或商家提出投诉。",
        at_ms=1767750000000, complaint="cp-9", user="u-1001", merchant="m-7", order="o-3001",
        complaint_reason="not_as_described", amount_minor=29900, currency="CNY",
        text="Colour differs from the picture.", images_count=3,
    ),
    event_type(
        "complaint.resolved",
        "complaint complaint_outcome",
        (CONTEXT, _COMPLAINT, "parcel courier staff staff_role approver label_source"),
        "A complaint was closed. Also a label: it tells what became of the event named in "
        "`subject_event`.",
        "投诉已结案。同时也是标签：说明 subject_event 所指事件的结果。",
        at_ms=1768009200000, complaint="cp-9", complaint_outcome="upheld", user="u-1001",
        merchant="m-7", order="o-3001", staff="st-5", amount_minor=29900, currency="CNY",
        subject_event="ex-complaint.opened", subject_at_ms=1767750000000,
    ),
)  # fmt: skip
