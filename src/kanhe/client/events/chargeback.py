"""Events `chargeback.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class ChargebackReceived(KnownEvent, kw_only=True, frozen=True, tag="chargeback.received"):
    """A cardholder's bank takes a payment back. Also a label: it tells that the payment named in `subject_event` was disputed.

    持卡人银行发起拒付。同时也是标签：说明 subject_event 所指的付款存在争议。

    At least one entity is named. 至少填写一个实体。
    """

    amount_minor: fields.AmountMinor
    currency: fields.Currency
    user: fields.User | None = None
    device: fields.Device | None = None
    ip: fields.Ip | None = None
    session: fields.Session | None = None
    email: fields.Email | None = None
    phone: fields.Phone | None = None
    card: fields.Card | None = None
    address: fields.Address | None = None
    merchant: fields.Merchant | None = None
    order: fields.Order | None = None
    product: fields.Product | None = None
    payment: fields.Payment | None = None
    payment_method: fields.PaymentMethod | None = None
    card_bin: fields.CardBin | None = None
    card_brand: fields.CardBrand | None = None
    card_country: fields.CardCountry | None = None
    chargeback_reason: fields.ChargebackReason | None = None
    chargeback_stage: fields.ChargebackStage | None = None
    order_minor: fields.OrderMinor | None = None
    ordered_ms: fields.OrderedMs | None = None
    subject_event: fields.SubjectEvent | None = None
    subject_at_ms: fields.SubjectAtMs | None = None
    merchant_country: fields.MerchantCountry | None = None
    shipping_country: fields.ShippingCountry | None = None
    parcel: fields.Parcel | None = None
    courier: fields.Courier | None = None
    three_ds: fields.ThreeDs | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    note: fields.Note | None = None
