"""Events `parcel.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class ParcelShipped(KnownEvent, kw_only=True, frozen=True, tag="parcel.shipped"):
    """A parcel was handed to the carrier.

    包裹已交给承运方。
    """

    parcel: fields.Parcel
    courier: fields.Courier | None = None
    carrier: fields.Carrier | None = None
    station: fields.Station | None = None
    order: fields.Order | None = None
    user: fields.User | None = None
    merchant: fields.Merchant | None = None
    product: fields.Product | None = None
    address: fields.Address | None = None
    device: fields.Device | None = None
    ip: fields.Ip | None = None
    phone: fields.Phone | None = None
    staff: fields.Staff | None = None
    session: fields.Session | None = None
    email: fields.Email | None = None
    card: fields.Card | None = None
    weight_g: fields.WeightG | None = None
    declared_weight_g: fields.DeclaredWeightG | None = None
    expected_weight_g: fields.ExpectedWeightG | None = None
    lat: fields.Lat | None = None
    lon: fields.Lon | None = None
    shipping_method: fields.ShippingMethod | None = None
    items_count: fields.ItemsCount | None = None
    products: fields.Products | None = None
    declared_minor: fields.DeclaredMinor | None = None
    amount_minor: fields.AmountMinor | None = None
    currency: fields.Currency | None = None
    origin_country: fields.OriginCountry | None = None
    shipping_country: fields.ShippingCountry | None = None
    city: fields.City | None = None
    postal_code: fields.PostalCode | None = None
    promised_ms: fields.PromisedMs | None = None
    ordered_ms: fields.OrderedMs | None = None
    delay_days: fields.DelayDays | None = None
    is_reshipper: fields.IsReshipper | None = None
    is_po_box: fields.IsPoBox | None = None
    note: fields.Note | None = None


class ParcelScanned(KnownEvent, kw_only=True, frozen=True, tag="parcel.scanned"):
    """A parcel was scanned on its way.

    包裹在途中被扫描。
    """

    parcel: fields.Parcel
    scan_kind: fields.ScanKind
    courier: fields.Courier | None = None
    carrier: fields.Carrier | None = None
    station: fields.Station | None = None
    order: fields.Order | None = None
    user: fields.User | None = None
    merchant: fields.Merchant | None = None
    product: fields.Product | None = None
    address: fields.Address | None = None
    device: fields.Device | None = None
    ip: fields.Ip | None = None
    phone: fields.Phone | None = None
    staff: fields.Staff | None = None
    session: fields.Session | None = None
    email: fields.Email | None = None
    card: fields.Card | None = None
    weight_g: fields.WeightG | None = None
    declared_weight_g: fields.DeclaredWeightG | None = None
    expected_weight_g: fields.ExpectedWeightG | None = None
    lat: fields.Lat | None = None
    lon: fields.Lon | None = None
    scan_country: fields.ScanCountry | None = None
    promised_ms: fields.PromisedMs | None = None
    attempt_no: fields.AttemptNo | None = None
    distance_m: fields.DistanceM | None = None
    delay_days: fields.DelayDays | None = None
    photo_taken: fields.PhotoTaken | None = None
    note: fields.Note | None = None


class ParcelDelivered(KnownEvent, kw_only=True, frozen=True, tag="parcel.delivered"):
    """A parcel was delivered. The amount is what was collected on delivery.

    包裹已送达。金额为货到付款的代收金额。
    """

    parcel: fields.Parcel
    courier: fields.Courier | None = None
    carrier: fields.Carrier | None = None
    station: fields.Station | None = None
    order: fields.Order | None = None
    user: fields.User | None = None
    merchant: fields.Merchant | None = None
    product: fields.Product | None = None
    address: fields.Address | None = None
    device: fields.Device | None = None
    ip: fields.Ip | None = None
    phone: fields.Phone | None = None
    staff: fields.Staff | None = None
    session: fields.Session | None = None
    email: fields.Email | None = None
    card: fields.Card | None = None
    weight_g: fields.WeightG | None = None
    declared_weight_g: fields.DeclaredWeightG | None = None
    expected_weight_g: fields.ExpectedWeightG | None = None
    lat: fields.Lat | None = None
    lon: fields.Lon | None = None
    handed_to: fields.HandedTo | None = None
    photo_taken: fields.PhotoTaken | None = None
    code_confirmed: fields.CodeConfirmed | None = None
    distance_m: fields.DistanceM | None = None
    delay_days: fields.DelayDays | None = None
    promised_ms: fields.PromisedMs | None = None
    ordered_ms: fields.OrderedMs | None = None
    attempt_no: fields.AttemptNo | None = None
    amount_minor: fields.AmountMinor | None = None
    currency: fields.Currency | None = None
    shipping_country: fields.ShippingCountry | None = None
    city: fields.City | None = None
    postal_code: fields.PostalCode | None = None
    names_match: fields.NamesMatch | None = None
    note: fields.Note | None = None
