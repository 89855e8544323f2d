"""What each field means and takes: the same name means the same in every event."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off
from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

User = Annotated[str, Meta(min_length=1, max_length=128)]
"""The account of a buyer or seller. 买家或卖家的账号。"""

Device = Annotated[str, Meta(min_length=1, max_length=128)]
"""The device, as the shop's device fingerprint names it. 设备标识，由平台的设备指纹给出。"""

Ip = Annotated[str, Meta(min_length=1, max_length=128)]
"""The network address of the client, IPv4 or IPv6. Spellings of one address are recorded as one (RFC 5952; IPv4-mapped addresses as IPv4). 客户端的网络地址（IPv4 或 IPv6）。同一地址的不同写法统一按一种写法记录（RFC 5952；IPv4 映射地址记为 IPv4）。"""

Card = Annotated[str, Meta(min_length=1, max_length=128)]
"""A token of the payment card, always the same for the same card. Never the card number. 支付卡的令牌，同一张卡始终相同。绝不可传卡号本身。"""

Email = Annotated[str, Meta(min_length=1, max_length=254)]
"""The e-mail address, or a keyed hash of it that keeps `@` and the domain. 电子邮箱地址，或保留 @ 与域名的密钥哈希。"""

Phone = Annotated[str, Meta(min_length=1, max_length=128)]
"""The telephone number, best as E.164, or a keyed hash of it. 电话号码（建议用 E.164 格式），或其密钥哈希。"""

Address = Annotated[str, Meta(min_length=1, max_length=128)]
"""The postal address, as a normalised text or hash. 收货或账单地址，规范化后的文本或哈希。"""

Merchant = Annotated[str, Meta(min_length=1, max_length=128)]
"""The shop or seller on the platform. 平台上的商家。"""

Product = Annotated[str, Meta(min_length=1, max_length=128)]
"""The product or listing. 商品或商品页。"""

Order = Annotated[str, Meta(min_length=1, max_length=128)]
"""The order. 订单。"""

Parcel = Annotated[str, Meta(min_length=1, max_length=128)]
"""The parcel, usually its tracking number. 包裹，通常为运单号。"""

Courier = Annotated[str, Meta(min_length=1, max_length=128)]
"""The person or company that carries the parcel. 派送包裹的快递员或快递公司。"""

Staff = Annotated[str, Meta(min_length=1, max_length=128)]
"""The employee, or the service account acting for one. 员工，或代其操作的服务账号。"""

Session = Annotated[str, Meta(min_length=1, max_length=128)]
"""The visit: one sign-in or browsing session. 会话：一次登录或访问。"""

Payment = Annotated[str, Meta(min_length=1, max_length=128)]
"""The payment; the same through attempt, authorisation, capture. 支付单号；从发起、授权到请款保持不变。"""

Refund = Annotated[str, Meta(min_length=1, max_length=128)]
"""The refund; the same from request to payment. 退款单号；从申请到到账保持不变。"""

Payout = Annotated[str, Meta(min_length=1, max_length=128)]
"""The payout. 提现或结算单号。"""

Review = Annotated[str, Meta(min_length=1, max_length=128)]
"""The review. 评价编号。"""

Message = Annotated[str, Meta(min_length=1, max_length=128)]
"""The message. 消息编号。"""

Complaint = Annotated[str, Meta(min_length=1, max_length=128)]
"""The complaint; the same from opening to resolution. 投诉单号；从受理到结案保持不变。"""

Label = Annotated[str, Meta(min_length=1, max_length=128)]
"""The anti-counterfeit label on the goods. 商品上的防伪标签编号。"""

Finding = Annotated[str, Meta(min_length=1, max_length=128)]
"""The finding, as the tool that found it names it. 发现项编号，由发现它的工具给出。"""

Asset = Annotated[str, Meta(min_length=1, max_length=128)]
"""The host, application or repository a finding is about. 发现项所涉及的主机、应用或代码库。"""

BankAccount = Annotated[str, Meta(min_length=1, max_length=128)]
"""A hash of the bank account money is paid out to. 收款银行账户的哈希值。"""

CardBin = Annotated[str, Meta(min_length=1, max_length=128)]
"""The first six to eight digits of the card number. 卡号的前六至八位（发卡行识别码）。"""

Coupon = Annotated[str, Meta(min_length=1, max_length=128)]
"""The code of the coupon. 优惠券码。"""

Promo = Annotated[str, Meta(min_length=1, max_length=128)]
"""The campaign or promotion. 营销活动编号。"""

ReferrerUser = Annotated[str, Meta(min_length=1, max_length=128)]
"""The account that invited this one. 邀请人的账号。"""

Recipient = Annotated[str, Meta(min_length=1, max_length=128)]
"""The account a message or gift is for. 消息或礼物的接收账号。"""

Carrier = Annotated[str, Meta(min_length=1, max_length=128)]
"""The logistics company. 物流公司。"""

Station = Annotated[str, Meta(min_length=1, max_length=128)]
"""The depot, warehouse or point where a parcel was scanned. 扫描包裹的网点、仓库或站点。"""

SubjectEvent = Annotated[str, Meta(min_length=1, max_length=128)]
"""The id of the earlier event this one is about. 本事件所针对的先前事件的编号。"""

ListName = Annotated[str, Meta(min_length=1, max_length=128)]
"""The name of the list, as the policy pack declares it. 策略包中声明的名单名称。"""

Value = Annotated[str, Meta(min_length=1, max_length=128)]
"""The entry of the list. 名单条目的值。"""

Approver = Annotated[str, Meta(min_length=1, max_length=128)]
"""The second employee who approved. 复核批准的第二名员工。"""

Ticket = Annotated[str, Meta(min_length=1, max_length=128)]
"""The ticket or case that justifies a staff action. 作为操作依据的工单或案件编号。"""

StepUp = Annotated[str, Meta(min_length=1, max_length=128)]
"""The step-up: the question to somebody to show that it is they. 二次验证编号：要求用户再次证明身份的一次请求。"""

Factor = Annotated[str, Meta(min_length=1, max_length=128)]
"""The factor: an authenticator app, a passkey, an address for codes. 验证因素编号：身份验证器、通行密钥或接收验证码的邮箱。"""

Decision = Annotated[str, Meta(min_length=1, max_length=128)]
"""The decision that asked for it. 引发该请求的决策编号。"""

Products = Annotated[Sequence[Annotated[str, Meta(min_length=1, max_length=128)]], Meta(max_length=200)]
"""The products of an order, cart or parcel. 订单、购物车或包裹中的商品。"""

Coupons = Annotated[Sequence[Annotated[str, Meta(min_length=1, max_length=128)]], Meta(max_length=200)]
"""All coupon codes used together. 同时使用的全部优惠券码。"""

LicenceIds = Annotated[Sequence[Annotated[str, Meta(min_length=1, max_length=128)]], Meta(max_length=200)]
"""The numbers of the licences and registrations presented. 所提交的证照与登记编号。"""

Owners = Annotated[Sequence[Annotated[str, Meta(min_length=1, max_length=128)]], Meta(max_length=200)]
"""Hashes of the identities of owners and representatives. 所有人及法定代表人身份的哈希值。"""

UserAgent = Annotated[str, Meta(min_length=1, max_length=256)]
"""The browser or app, as it describes itself. 浏览器或应用自报的标识。"""

AppVersion = Annotated[str, Meta(min_length=1, max_length=256)]
"""The version of the shop's app. 平台应用的版本号。"""

Language = Annotated[str, Meta(min_length=1, max_length=256)]
"""The language the client asks for, such as zh-CN. 客户端请求的语言，例如 zh-CN。"""

Referrer = Annotated[str, Meta(min_length=1, max_length=256)]
"""Where the visit came from. 访问来源。"""

Landing = Annotated[str, Meta(min_length=1, max_length=256)]
"""The first page of the visit. 访问的首个页面。"""

AsnOrg = Annotated[str, Meta(min_length=1, max_length=256)]
"""Who runs the network of the address. 该地址所属网络的运营机构。"""

City = Annotated[str, Meta(min_length=1, max_length=256)]
"""The city of the address of delivery. 收货城市。"""

PostalCode = Annotated[str, Meta(min_length=1, max_length=256)]
"""The postal code of delivery. 收货地邮政编码。"""

Category = Annotated[str, Meta(min_length=1, max_length=256)]
"""The category of the product. 商品类目。"""

Brand = Annotated[str, Meta(min_length=1, max_length=256)]
"""The brand of the product. 商品品牌。"""

Title = Annotated[str, Meta(min_length=1, max_length=256)]
"""The title of a listing or finding. 商品页或发现项的标题。"""

Source = Annotated[str, Meta(min_length=1, max_length=256)]
"""Who or what reported it. 报告来源。"""

Payee = Annotated[str, Meta(min_length=1, max_length=256)]
"""Who is paid, as the buyer is shown it. 收款方，与向买家展示的一致。"""

FindingRule = Annotated[str, Meta(min_length=1, max_length=256)]
"""The rule, signature or CVE that matched. 命中的规则、特征码或 CVE 编号。"""

LegalName = Annotated[str, Meta(min_length=1, max_length=256)]
"""The registered name of a business, or a hash of it. 企业登记名称或其哈希值。"""

StaffRole = Annotated[str, Meta(min_length=1, max_length=256)]
"""The role in which the employee acted. 员工操作时所用的角色。"""

Text = Annotated[str, Meta(min_length=1, max_length=10000)]
"""The words of a review, message or complaint. 评价、消息或投诉的正文。"""

Description = Annotated[str, Meta(min_length=1, max_length=10000)]
"""The description of a listing or finding. 商品页或发现项的描述。"""

Note = Annotated[str, Meta(min_length=1, max_length=10000)]
"""A remark for people. 供人阅读的备注。"""

IpCountry = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]
"""Where the network address is. 网络地址所在国家或地区。"""

CardCountry = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]
"""Where the card was issued. 发卡国家或地区。"""

BillingCountry = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]
"""The country of the billing address. 账单地址所在国家或地区。"""

ShippingCountry = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]
"""The country of delivery. 收货国家或地区。"""

PhoneCountry = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]
"""The country of the telephone number. 电话号码归属国家或地区。"""

AccountCountry = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]
"""The country the account is registered in. 账号注册国家或地区。"""

MerchantCountry = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]
"""The country the merchant is established in. 商家所在国家或地区。"""

BankCountry = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]
"""The country of the bank account. 银行账户所在国家或地区。"""

OriginCountry = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]
"""Where a parcel sets out from. 包裹发出国家或地区。"""

ScanCountry = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]
"""Where the scan happened. 扫描发生的国家或地区。"""

AmountMinor = Annotated[int, Meta(ge=0, le=1000000000000)]
"""The amount of the event. In minor unit of currency. 事件金额。"""

DiscountMinor = Annotated[int, Meta(ge=0, le=1000000000000)]
"""How much discounts and coupons took off. In minor unit of currency. 优惠与券抵扣的金额。"""

ShippingMinor = Annotated[int, Meta(ge=0, le=1000000000000)]
"""What delivery costs. In minor unit of currency. 运费。"""

TaxMinor = Annotated[int, Meta(ge=0, le=1000000000000)]
"""The tax included. In minor unit of currency. 所含税额。"""

OrderMinor = Annotated[int, Meta(ge=0, le=1000000000000)]
"""The amount of the whole order, where the event is about part of it. In minor unit of currency. 事件只涉及部分订单时，整单金额。"""

BalanceMinor = Annotated[int, Meta(ge=0, le=1000000000000)]
"""The balance after the event. In minor unit of currency. 事件发生后的余额。"""

DeclaredMinor = Annotated[int, Meta(ge=0, le=1000000000000)]
"""The value declared for customs or insurance. In minor unit of currency. 报关或投保的申报价值。"""

PriceBeforeMinor = Annotated[int, Meta(ge=0, le=1000000000000)]
"""The price before the change. In minor unit of currency. 变更前的价格。"""

StoreCreditMinor = Annotated[int, Meta(ge=0, le=1000000000000)]
"""The part paid with store credit or gift cards. In minor unit of currency. 用余额或礼品卡支付的部分。"""

Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", max_length=3)]
"""The currency of every amount of the event (ISO 4217). 事件中所有金额的币种（ISO 4217）。"""

ItemsCount = Annotated[int, Meta(ge=0, le=100000)]
"""How many items. In items. 商品总件数。"""

Quantity = Annotated[int, Meta(ge=1, le=1000000)]
"""How many of this one product. In items. 该商品的数量。"""

Stock = Annotated[int, Meta(ge=0, le=1000000000)]
"""How many are in stock. In items. 库存数量。"""

Rating = Annotated[int, Meta(ge=1, le=5)]
"""The rating given. In stars. 评分。"""

ImagesCount = Annotated[int, Meta(ge=0, le=1000)]
"""How many images came with it. In images. 附带图片数。"""

LinksCount = Annotated[int, Meta(ge=0, le=10000)]
"""How many links the text holds. In links. 正文中的链接数。"""

RecipientsCount = Annotated[int, Meta(ge=0, le=1000000)]
"""How many accounts it was sent to. In accounts. 接收账号数。"""

WeightG = Annotated[int, Meta(ge=0, le=100000000)]
"""The weight measured. In g. 实测重量。"""

DeclaredWeightG = Annotated[int, Meta(ge=0, le=100000000)]
"""The weight the sender declared. In g. 发件人申报的重量。"""

ExpectedWeightG = Annotated[int, Meta(ge=0, le=100000000)]
"""What the goods of the order weigh by catalogue. In g. 按商品目录推算的订单货物重量。"""

AttemptNo = Annotated[int, Meta(ge=1, le=10000)]
"""Which attempt this is, counted from 1. 第几次尝试，从 1 起。"""

Installments = Annotated[int, Meta(ge=1, le=120)]
"""In how many instalments it is paid. 分期期数。"""

RecordCount = Annotated[int, Meta(ge=0, le=1000000000)]
"""How many records were seen, changed or exported. In records. 查看、修改或导出的记录条数。"""

RequestCount = Annotated[int, Meta(ge=0, le=1000000000)]
"""How many requests the event sums up. In requests. 该事件汇总的请求数。"""

PagesViewed = Annotated[int, Meta(ge=0, le=1000000)]
"""How many pages were seen in the session. In pages. 会话内浏览的页面数。"""

FillMs = Annotated[int, Meta(ge=0, le=86400000)]
"""How long filling in the form took. In ms. 填写表单所用时间。"""

PastedFields = Annotated[int, Meta(ge=0, le=1000)]
"""Into how many fields of the form something was pasted. In fields. 表单中粘贴过内容的字段数。"""

ScriptedFields = Annotated[int, Meta(ge=0, le=1000)]
"""How many fields of the form were filled without a key, a paste or a choice of a person. In fields. 表单中未经键盘、粘贴或人工选择而被填写的字段数。"""

DwellMs = Annotated[int, Meta(ge=0, le=86400000)]
"""How long the product was looked at before. In ms. 此前浏览该商品的时长。"""

BotScore = Annotated[int, Meta(ge=0, le=100)]
"""How machine-like the client looks to the shop's bot detection. 平台反爬系统给出的机器行为评分。"""

AttemptsLeft = Annotated[int, Meta(ge=0, le=1000)]
"""How often it may still be tried. 剩余尝试次数。"""

ExternalScore = Annotated[int, Meta(ge=0, le=1000)]
"""The risk score another service gave, 1000 worst. 外部服务给出的风险分，1000 为最高。"""

Confidence = Annotated[int, Meta(ge=0, le=100)]
"""How sure the reporter is. In %. 报告者的确信程度。"""

CvssTenths = Annotated[int, Meta(ge=0, le=100)]
"""The CVSS base score times ten. In 0.1 CVSS. CVSS 基础分乘以十。"""

Asn = Annotated[int, Meta(ge=0, le=4294967295)]
"""The autonomous system of the address. 该地址的自治系统号。"""

UtcOffsetMinutes = Annotated[int, Meta(ge=-720, le=840)]
"""The client's clock, east of UTC. In min. 客户端时区与 UTC 的偏移。"""

DistanceM = Annotated[int, Meta(ge=0, le=20100000)]
"""How far from the place of delivery. In m. 距收货地点的距离。"""

BusinessDays = Annotated[int, Meta(ge=0, le=100000)]
"""How long the business has existed. In d. 企业已成立天数。"""

LicenceDaysLeft = Annotated[int, Meta(ge=-100000, le=100000)]
"""How long the licence is still valid; negative once expired. In d. 证照剩余有效天数；已过期为负数。"""

DelayDays = Annotated[int, Meta(ge=-3650, le=3650)]
"""Days after the promised day; negative when early. In d. 晚于承诺日的天数；提前为负数。"""

IsGuest = bool
"""Bought without an account. 未登录下单。"""

IsVpn = bool
"""The address belongs to a VPN. 该地址属于 VPN。"""

IsProxy = bool
"""The address belongs to a proxy. 该地址属于代理。"""

IsTor = bool
"""The address is a Tor exit. 该地址是 Tor 出口。"""

IsHosting = bool
"""The address belongs to a data centre. 该地址属于数据中心。"""

IsAutomated = bool
"""The client showed signs of automation. 客户端有自动化操作迹象。"""

IsFreshDevice = bool
"""The device had no id of the shop until this visit. 本次访问之前，该设备没有本店的设备标识。"""

IsAlteredDevice = bool
"""The device showed an id that the shop had not signed. 设备出示的标识并非由本店签发。"""

HasScript = bool
"""The shop's own script ran on the page. 页面上的本店脚本已运行。"""

IsEmulator = bool
"""The device is emulated. 设备为模拟器。"""

IsRooted = bool
"""The device is rooted or jailbroken. 设备已被 root 或越狱。"""

IsNewDevice = bool
"""The shop has not seen this device on this account. 该账号首次使用此设备。"""

MfaUsed = bool
"""A second factor was given. 已通过第二因素验证。"""

EmailVerified = bool
"""The e-mail address was confirmed. 邮箱已验证。"""

PhoneVerified = bool
"""The telephone number was confirmed. 手机号已验证。"""

IsDisposableEmail = bool
"""The e-mail address is of a throw-away provider. 一次性邮箱。"""

IsVirtualPhone = bool
"""The number is a virtual or rented one. 虚拟号码或接码平台号码。"""

CaptchaPassed = bool
"""A test against robots was passed. 已通过人机验证。"""

IsSavedCard = bool
"""The card was already stored with the account. 使用账号已绑定的卡。"""

IsRecurring = bool
"""A payment agreed earlier, without the buyer present. 事先约定的周期扣款，买家不在场。"""

IsPartial = bool
"""Only part of the amount or order. 仅涉及部分金额或部分订单。"""

IsDigital = bool
"""Goods delivered without a parcel. 虚拟商品，无需物流。"""

IsGift = bool
"""Sent to somebody other than the buyer. 送给买家以外的人。"""

IsExpress = bool
"""Express delivery was chosen. 选择了加急配送。"""

IsFirstOrder = bool
"""By the shop's own records, the buyer's first order. 按平台记录为买家首单。"""

IsReshipper = bool
"""The address is a freight forwarder's. 收货地址为转运公司。"""

IsPoBox = bool
"""The address is a post box or parcel locker. 收货地址为邮政信箱或自提柜。"""

AddressesMatch = bool
"""Billing and shipping address are the same. 账单地址与收货地址一致。"""

NamesMatch = bool
"""The name on card, account or bank account agrees with the one on file. 卡、账户或银行账户姓名与登记姓名一致。"""

IsVerifiedPurchase = bool
"""The reviewer bought the product here. 评价者确在本平台购买。"""

IsIncentivised = bool
"""The review was rewarded. 评价有奖励。"""

HasLink = bool
"""The text holds a link. 正文含链接。"""

HasAttachment = bool
"""A file is attached. 带附件。"""

HasContactInfo = bool
"""The text holds a telephone number, e-mail address or chat name. 正文含电话、邮箱或社交账号。"""

AsksOffsitePayment = bool
"""The text asks to pay outside the platform. 正文要求站外付款。"""

GoodsReturned = bool
"""The goods came back. 商品已退回。"""

PhotoTaken = bool
"""A photograph was taken as proof. 已拍照留证。"""

CodeConfirmed = bool
"""The recipient gave the delivery code. 收件人已提供取件码。"""

IsFirstScan = bool
"""The label had never been scanned before. 该标签首次被扫描。"""

IsInstant = bool
"""Paid out at once. 即时到账。"""

IsNewDestination = bool
"""The destination was never paid to before. 首次向该账户付款。"""

KycPassed = bool
"""The identity was verified. 已通过实名认证。"""

DocumentsMatch = bool
"""Documents agree with public registers. 证件与公开登记信息一致。"""

IsOwnRecord = bool
"""The employee's own record, or that of a relative or friend. 员工本人或其亲友的记录。"""

IsFixed = bool
"""The finding has been fixed. 发现项已修复。"""

WasBlocked = bool
"""The tool has already blocked it. 工具已将其拦截。"""

Lat = Annotated[float, Meta(ge=-90, le=90)]
"""Latitude (WGS 84). In °. 纬度（WGS 84）。"""

Lon = Annotated[float, Meta(ge=-180, le=180)]
"""Longitude (WGS 84). In °. 经度（WGS 84）。"""

SubjectAtMs = Annotated[int, Meta(ge=946684800000, le=253402300799999)]
"""When the event this one is about happened. In ms. 所针对事件的发生时间。"""

ExpiresMs = Annotated[int, Meta(ge=946684800000, le=253402300799999)]
"""When it stops being valid. In ms. 失效时间。"""

PromisedMs = Annotated[int, Meta(ge=946684800000, le=253402300799999)]
"""By when delivery was promised. In ms. 承诺送达时间。"""

AccountCreatedMs = Annotated[int, Meta(ge=946684800000, le=253402300799999)]
"""When the account was made, by the shop's records. In ms. 平台记录的账号注册时间。"""

OrderedMs = Annotated[int, Meta(ge=946684800000, le=253402300799999)]
"""When the order was placed. In ms. 下单时间。"""

Channel = Literal["web", "app", "mini_program", "phone", "store", "chat", "email", "marketplace", "api"]
"""The way it came in. 渠道。"""

LoginMethod = Literal["password", "otp_sms", "otp_email", "passkey", "social", "qr_code", "sso", "token"]
"""How the user signed in. 登录方式。"""

LoginFailure = Literal["wrong_password", "unknown_account", "second_factor_failed", "locked", "blocked", "expired", "captcha_failed", "other"]
"""Why signing in failed. 登录失败原因。"""

PasswordMethod = Literal["old_password", "reset_link", "otp", "support", "forced"]
"""How the right to change the password was shown. 修改密码所用的身份确认方式。"""

Changed = Literal["name", "email", "phone", "address", "bank_account", "second_factor", "avatar", "preferences", "price", "title", "images", "description", "stock", "category", "brand", "status", "several", "other"]
"""What was changed. 变更内容。"""

AccountKind = Literal["buyer", "seller", "business", "courier"]
"""What kind of account. 账号类型。"""

ListingStatus = Literal["active", "paused", "removed"]
"""Whether the listing is for sale. 商品页状态。"""

Condition = Literal["new", "refurbished", "used"]
"""The condition of the goods. 商品成色。"""

CartAction = Literal["added", "removed", "quantity_changed", "coupon_tried", "coupon_refused", "emptied"]
"""What was done to the cart. 购物车操作。"""

PaymentMethod = Literal["card", "wallet", "bank_transfer", "direct_debit", "buy_now_pay_later", "cash_on_delivery", "gift_card", "store_credit", "mobile_money", "invoice", "crypto", "other"]
"""How it is paid. 支付方式。"""

CardBrand = Literal["visa", "mastercard", "unionpay", "amex", "jcb", "discover", "diners", "maestro", "mir", "rupay", "elo", "other"]
"""The card scheme. 卡组织。"""

CardFunding = Literal["credit", "debit", "prepaid", "charge", "unknown"]
"""Whose money the card spends. 卡片类型。"""

DeclineReason = Literal["insufficient_funds", "do_not_honor", "stolen_card", "lost_card", "pick_up_card", "expired_card", "invalid_number", "invalid_expiry", "invalid_cvv", "limit_exceeded", "suspected_fraud", "authentication_failed", "blocked_by_merchant", "processing_error", "other"]
"""Why the payment was declined. 拒付原因。"""

AvsResult = Literal["match", "partial", "no_match", "unavailable"]
"""Whether the billing address agrees with the bank's. 账单地址核验结果。"""

CvvResult = Literal["match", "no_match", "not_given", "unavailable"]
"""Whether the card's security code was right. 卡安全码核验结果。"""

ThreeDs = Literal["challenged", "frictionless", "attempted", "failed", "abandoned", "not_used", "unavailable"]
"""How 3-D Secure went. 3-D Secure 验证结果。"""

CancelledBy = Literal["buyer", "merchant", "platform", "carrier"]
"""Who cancelled. 取消方。"""

CancelReason = Literal["changed_mind", "out_of_stock", "price_error", "not_paid", "not_shipped", "suspected_fraud", "duplicate", "other"]
"""Why it was cancelled. 取消原因。"""

RefundReason = Literal["not_received", "empty_parcel", "damaged", "wrong_item", "missing_item", "not_as_described", "counterfeit", "changed_mind", "duplicate", "price_adjustment", "fraud", "other"]
"""Why money is asked back. 退款原因。"""

RefundTo = Literal["original_method", "store_credit", "bank_account", "other_card", "cash"]
"""Where the refund goes. 退款去向。"""

ChargebackReason = Literal["fraud", "not_received", "not_as_described", "duplicate", "cancelled", "credit_not_processed", "authorisation", "processing_error", "other"]
"""Why the cardholder disputes. 持卡人拒付原因。"""

ChargebackStage = Literal["inquiry", "first", "pre_arbitration", "arbitration", "won", "lost"]
"""How far the dispute has come. 争议所处阶段。"""

ShippingMethod = Literal["standard", "express", "same_day", "pickup_point", "locker", "own_courier", "digital"]
"""How it is delivered. 配送方式。"""

ScanKind = Literal["picked_up", "departed", "arrived", "customs", "weighed", "out_for_delivery", "attempted", "refused", "returned", "lost", "damaged"]
"""What the scan reports. 扫描节点。"""

HandedTo = Literal["recipient", "household", "neighbour", "reception", "doorstep", "locker", "pickup_point", "unknown"]
"""Who or what received the parcel. 签收方。"""

ScannedBy = Literal["consumer", "merchant", "courier", "inspector", "factory"]
"""Who scanned. 扫描者。"""

LabelResult = Literal["genuine", "unknown_label", "already_used", "mismatch", "revoked"]
"""What the label turned out to be. 标签核验结果。"""

Audience = Literal["buyer", "merchant", "support", "public"]
"""Who the message is for. 消息对象。"""

ComplaintReason = Literal["not_received", "not_as_described", "counterfeit", "unsafe", "wrong_price", "no_refund", "rude_service", "privacy", "fraud", "harassment", "other"]
"""What the complaint is about. 投诉原因。"""

ComplaintOutcome = Literal["upheld", "partly_upheld", "rejected", "settled", "withdrawn"]
"""How the complaint ended. 投诉结果。"""

PayoutMethod = Literal["bank_transfer", "wallet", "card", "crypto", "cheque"]
"""How it is paid out. 提现方式。"""

MerchantKind = Literal["person", "sole_trader", "company", "brand", "factory"]
"""What kind of merchant. 商家类型。"""

StaffAction = Literal["viewed", "searched", "exported", "changed", "deleted", "approved", "rejected", "refunded", "credited", "overrode", "unmasked", "granted_access", "revoked_access", "signed_in", "policy_changed", "listed", "other", "signed_out", "created", "decided", "assigned", "escalated", "noted", "invited", "downloaded"]
"""What the employee did. 员工操作。"""

Resource = Literal["customer", "order", "payment", "card", "payout", "merchant", "address", "message", "policy", "list", "account", "report", "credential", "system", "case", "alert", "evidence", "decision", "session", "role", "staff", "webhook", "key"]
"""What it was done to. 操作对象。"""

Severity = Literal["info", "low", "medium", "high", "critical"]
"""How bad it is. 严重程度。"""

FindingKind = Literal["firewall", "intrusion", "malware", "mail", "scanner", "waf", "endpoint", "bot_manager", "secret_leak", "phishing", "person", "other", "installation"]
"""Which kind of tool found it. 发现来源类型。"""

Verdict = Literal["fraud", "legitimate", "abuse", "unknown"]
"""What turned out to be true. 事后认定的真实情况。"""

StepUpPurpose = Literal["payment", "login", "factors"]
"""What is confirmed: a payment, a signing in, or a change to the user's own factors. 验证用途：确认付款、登录，或更改用户自己的验证因素。"""

StepUpMethod = Literal["totp", "passkey", "mail", "sms", "other"]
"""How somebody shows that it is they. 用户证明身份的方式。"""

StepUpFailure = Literal["wrong_code", "wrong_passkey", "not_verified", "mismatch", "not_offered", "other"]
"""Why it failed: the code or passkey does not fit, the device did not check who holds it, amount, payee or order are not those that were asked about, or the method was not offered. 失败原因：验证码或通行密钥不符、设备未核验持有人、金额或收款方或订单与请求不符，或未提供该方式。"""

FactorAuthority = Literal["first", "step_up", "statement", "staff"]
"""By what a factor was changed: it was the first, another one was shown, the shop says so, or customer service did it. 变更依据：首个验证因素、已用其他因素验证、平台声明，或客服操作。"""

LabelSource = Literal["chargeback", "manual_review", "customer_report", "merchant_report", "police", "bank", "complaint", "system"]
"""Who established it. 认定来源。"""
