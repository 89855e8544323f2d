"""The fields built-in event types are made of, each declared once: one name, one meaning."""

from __future__ import annotations

from kanhe.judge.intake.declarations import FieldKind, FieldSpec

_MINOR = "minor unit of currency"


def _of(
    kind: FieldKind, *rows: tuple[str, str, str], unit: str = "", least: int | None = None
) -> tuple[FieldSpec, ...]:
    return tuple(FieldSpec(name, kind, unit, en, zh, (), least) for name, en, zh in rows)


def _int(name: str, least: int, greatest: int, unit: str, en: str, zh: str) -> FieldSpec:
    return FieldSpec(name, "int", unit, en, zh, (), least, greatest)


def _choice(name: str, choices: str, en: str, zh: str) -> FieldSpec:
    return FieldSpec(name, "choice", "", en, zh, tuple(choices.split()))


ENTITIES = _of(
    "id",
    ("user", "The account of a buyer or seller.", "买家或卖家的账号。"),
    ("device", "The device, as the shop's device fingerprint names it.", "设备标识，由平台的设备指纹给出。"),
    (
        "ip",
        "The network address of the client, IPv4 or IPv6. Spellings of one address are recorded as "
        "one (RFC 5952; IPv4-mapped addresses as IPv4).",
        "客户端的网络地址（IPv4 或 IPv6）。同一地址的不同写法统一按一种写法记录（RFC 5952；IPv4 映射地址记为 IPv4）。",
    ),
    (
        "card",
        "A token of the payment card, always the same for the same card. Never the card number.",
        "支付卡的令牌，同一张卡始终相同。绝不可传卡号本身。",
    ),
    ("email", "The e-mail address, or a keyed hash of it that keeps `@` and the domain.",
     "电子邮箱地址，或保留 @ 与域名的密钥哈希。"),
    ("phone", "The telephone number, best as E.164, or a keyed hash of it.",
     "电话号码（建议用 E.164 格式），或其密钥哈希。"),
    ("address", "The postal address, as a normalised text or hash.", "收货或账单地址，规范化后的文本或哈希。"),
    ("merchant", "The shop or seller on the platform.", "平台上的商家。"),
    ("product", "The product or listing.", "商品或商品页。"),
    ("order", "The order.", "订单。"),
    ("parcel", "The parcel, usually its tracking number.", "包裹，通常为运单号。"),
    ("courier", "The person or company that carries the parcel.", "派送包裹的快递员或快递公司。"),
    ("staff", "The employee, or the service account acting for one.", "员工，或代其操作的服务账号。"),
    ("session", "The visit: one sign-in or browsing session.", "会话：一次登录或访问。"),
)  # fmt: skip

IDENTIFIERS = _of(
    "id",
    ("payment", "The payment; the same through attempt, authorisation, capture.",
     "支付单号；从发起、授权到请款保持不变。"),
    ("refund", "The refund; the same from request to payment.", "退款单号；从申请到到账保持不变。"),
    ("payout", "The payout.", "提现或结算单号。"),
    ("review", "The review.", "评价编号。"),
    ("message", "The message.", "消息编号。"),
    ("complaint", "The complaint; the same from opening to resolution.", "投诉单号；从受理到结案保持不变。"),
    ("label", "The anti-counterfeit label on the goods.", "商品上的防伪标签编号。"),
    ("finding", "The finding, as the tool that found it names it.", "发现项编号，由发现它的工具给出。"),
    ("asset", "The host, application or repository a finding is about.", "发现项所涉及的主机、应用或代码库。"),
    ("bank_account", "A hash of the bank account money is paid out to.", "收款银行账户的哈希值。"),
    ("card_bin", "The first six to eight digits of the card number.", "卡号的前六至八位（发卡行识别码）。"),
    ("coupon", "The code of the coupon.", "优惠券码。"),
    ("promo", "The campaign or promotion.", "营销活动编号。"),
    ("referrer_user", "The account that invited this one.", "邀请人的账号。"),
    ("recipient", "The account a message or gift is for.", "消息或礼物的接收账号。"),
    ("carrier", "The logistics company.", "物流公司。"),
    ("station", "The depot, warehouse or point where a parcel was scanned.", "扫描包裹的网点、仓库或站点。"),
    ("subject_event", "The id of the earlier event this one is about.", "本事件所针对的先前事件的编号。"),
    ("list_name", "The name of the list, as the policy pack declares it.", "策略包中声明的名单名称。"),
    ("value", "The entry of the list.", "名单条目的值。"),
    ("approver", "The second employee who approved.", "复核批准的第二名员工。"),
    ("ticket", "The ticket or case that justifies a staff action.", "作为操作依据的工单或案件编号。"),
    ("step_up", "The step-up: the question to somebody to show that it is they.", "二次验证编号：要求用户再次证明身份的一次请求。"),
    ("factor", "The factor: an authenticator app, a passkey, an address for codes.",
     "验证因素编号：身份验证器、通行密钥或接收验证码的邮箱。"),
    ("decision", "The decision that asked for it.", "引发该请求的决策编号。"),
)  # fmt: skip

LISTS = _of(
    "ids",
    ("products", "The products of an order, cart or parcel.", "订单、购物车或包裹中的商品。"),
    ("coupons", "All coupon codes used together.", "同时使用的全部优惠券码。"),
    (
        "licence_ids",
        "The numbers of the licences and registrations presented.",
        "所提交的证照与登记编号。",
    ),
    (
        "owners",
        "Hashes of the identities of owners and representatives.",
        "所有人及法定代表人身份的哈希值。",
    ),
)

TEXTS = _of(
    "text",
    ("user_agent", "The browser or app, as it describes itself.", "浏览器或应用自报的标识。"),
    ("app_version", "The version of the shop's app.", "平台应用的版本号。"),
    ("language", "The language the client asks for, such as zh-CN.", "客户端请求的语言，例如 zh-CN。"),
    ("referrer", "Where the visit came from.", "访问来源。"),
    ("landing", "The first page of the visit.", "访问的首个页面。"),
    ("asn_org", "Who runs the network of the address.", "该地址所属网络的运营机构。"),
    ("city", "The city of the address of delivery.", "收货城市。"),
    ("postal_code", "The postal code of delivery.", "收货地邮政编码。"),
    ("category", "The category of the product.", "商品类目。"),
    ("brand", "The brand of the product.", "商品品牌。"),
    ("title", "The title of a listing or finding.", "商品页或发现项的标题。"),
    ("source", "Who or what reported it.", "报告来源。"),
    ("payee", "Who is paid, as the buyer is shown it.", "收款方，与向买家展示的一致。"),
    ("finding_rule", "The rule, signature or CVE that matched.", "命中的规则、特征码或 CVE 编号。"),
    ("legal_name", "The registered name of a business, or a hash of it.", "企业登记名称或其哈希值。"),
    ("staff_role", "The role in which the employee acted.", "员工操作时所用的角色。"),
)  # fmt: skip

PROSE = _of(
    "prose",
    ("text", "The words of a review, message or complaint.", "评价、消息或投诉的正文。"),
    ("description", "The description of a listing or finding.", "商品页或发现项的描述。"),
    ("note", "A remark for people.", "供人阅读的备注。"),
)

COUNTRIES = _of(
    "country",
    ("ip_country", "Where the network address is.", "网络地址所在国家或地区。"),
    ("card_country", "Where the card was issued.", "发卡国家或地区。"),
    ("billing_country", "The country of the billing address.", "账单地址所在国家或地区。"),
    ("shipping_country", "The country of delivery.", "收货国家或地区。"),
    ("phone_country", "The country of the telephone number.", "电话号码归属国家或地区。"),
    ("account_country", "The country the account is registered in.", "账号注册国家或地区。"),
    ("merchant_country", "The country the merchant is established in.", "商家所在国家或地区。"),
    ("bank_country", "The country of the bank account.", "银行账户所在国家或地区。"),
    ("origin_country", "Where a parcel sets out from.", "包裹发出国家或地区。"),
    ("scan_country", "Where the scan happened.", "扫描发生的国家或地区。"),
)

MONEY = (
    *_of(
        "money",
        ("amount_minor", "The amount of the event.", "事件金额。"),
        ("discount_minor", "How much discounts and coupons took off.", "优惠与券抵扣的金额。"),
        ("shipping_minor", "What delivery costs.", "运费。"),
        ("tax_minor", "The tax included.", "所含税额。"),
        ("order_minor", "The amount of the whole order, where the event is about part of it.",
         "事件只涉及部分订单时，整单金额。"),
        ("balance_minor", "The balance after the event.", "事件发生后的余额。"),
        ("declared_minor", "The value declared for customs or insurance.", "报关或投保的申报价值。"),
        ("price_before_minor", "The price before the change.", "变更前的价格。"),
        ("store_credit_minor", "The part paid with store credit or gift cards.", "用余额或礼品卡支付的部分。"),
        unit=_MINOR,
    ),
    *_of("currency", ("currency", "The currency of every amount of the event (ISO 4217).",
                      "事件中所有金额的币种（ISO 4217）。")),
)  # fmt: skip

NUMBERS = (
    _int("items_count", 0, 100_000, "items", "How many items.", "商品总件数。"),
    _int("quantity", 1, 1_000_000, "items", "How many of this one product.", "该商品的数量。"),
    _int("stock", 0, 10**9, "items", "How many are in stock.", "库存数量。"),
    _int("rating", 1, 5, "stars", "The rating given.", "评分。"),
    _int("images_count", 0, 1_000, "images", "How many images came with it.", "附带图片数。"),
    _int("links_count", 0, 10_000, "links", "How many links the text holds.", "正文中的链接数。"),
    _int("recipients_count", 0, 10**6, "accounts", "How many accounts it was sent to.", "接收账号数。"),
    _int("weight_g", 0, 10**8, "g", "The weight measured.", "实测重量。"),
    _int("declared_weight_g", 0, 10**8, "g", "The weight the sender declared.", "发件人申报的重量。"),
    _int("expected_weight_g", 0, 10**8, "g", "What the goods of the order weigh by catalogue.",
         "按商品目录推算的订单货物重量。"),
    _int("attempt_no", 1, 10_000, "", "Which attempt this is, counted from 1.", "第几次尝试，从 1 起。"),
    _int("installments", 1, 120, "", "In how many instalments it is paid.", "分期期数。"),
    _int("record_count", 0, 10**9, "records", "How many records were seen, changed or exported.",
         "查看、修改或导出的记录条数。"),
    _int("request_count", 0, 10**9, "requests", "How many requests the event sums up.", "该事件汇总的请求数。"),
    _int("pages_viewed", 0, 10**6, "pages", "How many pages were seen in the session.", "会话内浏览的页面数。"),
    _int("fill_ms", 0, 86_400_000, "ms", "How long filling in the form took.", "填写表单所用时间。"),
    _int("pasted_fields", 0, 1_000, "fields", "Into how many fields of the form something was pasted.",
         "表单中粘贴过内容的字段数。"),
    _int("scripted_fields", 0, 1_000, "fields",
         "How many fields of the form were filled without a key, a paste or a choice of a person.",
         "表单中未经键盘、粘贴或人工选择而被填写的字段数。"),
    _int("dwell_ms", 0, 86_400_000, "ms", "How long the product was looked at before.", "此前浏览该商品的时长。"),
    _int("bot_score", 0, 100, "", "How machine-like the client looks to the shop's bot detection.",
         "平台反爬系统给出的机器行为评分。"),
    _int("attempts_left", 0, 1000, "", "How often it may still be tried.", "剩余尝试次数。"),
    _int("external_score", 0, 1000, "", "The risk score another service gave, 1000 worst.",
         "外部服务给出的风险分，1000 为最高。"),
    _int("confidence", 0, 100, "%", "How sure the reporter is.", "报告者的确信程度。"),
    _int("cvss_tenths", 0, 100, "0.1 CVSS", "The CVSS base score times ten.", "CVSS 基础分乘以十。"),
    _int("asn", 0, 4_294_967_295, "", "The autonomous system of the address.", "该地址的自治系统号。"),
    _int("utc_offset_minutes", -720, 840, "min", "The client's clock, east of UTC.", "客户端时区与 UTC 的偏移。"),
    _int("distance_m", 0, 20_100_000, "m", "How far from the place of delivery.", "距收货地点的距离。"),
    _int("business_days", 0, 100_000, "d", "How long the business has existed.", "企业已成立天数。"),
    _int("licence_days_left", -100_000, 100_000, "d",
         "How long the licence is still valid; negative once expired.", "证照剩余有效天数；已过期为负数。"),
    _int("delay_days", -3_650, 3_650, "d", "Days after the promised day; negative when early.",
         "晚于承诺日的天数；提前为负数。"),
)  # fmt: skip

FLAGS = _of(
    "bool",
    ("is_guest", "Bought without an account.", "未登录下单。"),
    ("is_vpn", "The address belongs to a VPN.", "该地址属于 VPN。"),
    ("is_proxy", "The address belongs to a proxy.", "该地址属于代理。"),
    ("is_tor", "The address is a Tor exit.", "该地址是 Tor 出口。"),
    ("is_hosting", "The address belongs to a data centre.", "该地址属于数据中心。"),
    ("is_automated", "The client showed signs of automation.", "客户端有自动化操作迹象。"),
    ("is_fresh_device", "The device had no id of the shop until this visit.", "本次访问之前，该设备没有本店的设备标识。"),
    ("is_altered_device", "The device showed an id that the shop had not signed.",
     "设备出示的标识并非由本店签发。"),
    ("has_script", "The shop's own script ran on the page.", "页面上的本店脚本已运行。"),
    ("is_emulator", "The device is emulated.", "设备为模拟器。"),
    ("is_rooted", "The device is rooted or jailbroken.", "设备已被 root 或越狱。"),
    ("is_new_device", "The shop has not seen this device on this account.", "该账号首次使用此设备。"),
    ("mfa_used", "A second factor was given.", "已通过第二因素验证。"),
    ("email_verified", "The e-mail address was confirmed.", "邮箱已验证。"),
    ("phone_verified", "The telephone number was confirmed.", "手机号已验证。"),
    ("is_disposable_email", "The e-mail address is of a throw-away provider.", "一次性邮箱。"),
    ("is_virtual_phone", "The number is a virtual or rented one.", "虚拟号码或接码平台号码。"),
    ("captcha_passed", "A test against robots was passed.", "已通过人机验证。"),
    ("is_saved_card", "The card was already stored with the account.", "使用账号已绑定的卡。"),
    ("is_recurring", "A payment agreed earlier, without the buyer present.", "事先约定的周期扣款，买家不在场。"),
    ("is_partial", "Only part of the amount or order.", "仅涉及部分金额或部分订单。"),
    ("is_digital", "Goods delivered without a parcel.", "虚拟商品，无需物流。"),
    ("is_gift", "Sent to somebody other than the buyer.", "送给买家以外的人。"),
    ("is_express", "Express delivery was chosen.", "选择了加急配送。"),
    ("is_first_order", "By the shop's own records, the buyer's first order.", "按平台记录为买家首单。"),
    ("is_reshipper", "The address is a freight forwarder's.", "收货地址为转运公司。"),
    ("is_po_box", "The address is a post box or parcel locker.", "收货地址为邮政信箱或自提柜。"),
    ("addresses_match", "Billing and shipping address are the same.", "账单地址与收货地址一致。"),
    ("names_match", "The name on card, account or bank account agrees with the one on file.",
     "卡、账户或银行账户姓名与登记姓名一致。"),
    ("is_verified_purchase", "The reviewer bought the product here.", "评价者确在本平台购买。"),
    ("is_incentivised", "The review was rewarded.", "评价有奖励。"),
    ("has_link", "The text holds a link.", "正文含链接。"),
    ("has_attachment", "A file is attached.", "带附件。"),
    ("has_contact_info", "The text holds a telephone number, e-mail address or chat name.",
     "正文含电话、邮箱或社交账号。"),
    ("asks_offsite_payment", "The text asks to pay outside the platform.", "正文要求站外付款。"),
    ("goods_returned", "The goods came back.", "商品已退回。"),
    ("photo_taken", "A photograph was taken as proof.", "已拍照留证。"),
    ("code_confirmed", "The recipient gave the delivery code.", "收件人已提供取件码。"),
    ("is_first_scan", "The label had never been scanned before.", "该标签首次被扫描。"),
    ("is_instant", "Paid out at once.", "即时到账。"),
    ("is_new_destination", "The destination was never paid to before.", "首次向该账户付款。"),
    ("kyc_passed", "The identity was verified.", "已通过实名认证。"),
    ("documents_match", "Documents agree with public registers.", "证件与公开登记信息一致。"),
    ("is_own_record", "The employee's own record, or that of a relative or friend.",
     "员工本人或其亲友的记录。"),
    ("is_fixed", "The finding has been fixed.", "发现项已修复。"),
    ("was_blocked", "The tool has already blocked it.", "工具已将其拦截。"),
)  # fmt: skip

PLACES = (
    FieldSpec("lat", "degrees", "°", "Latitude (WGS 84).", "纬度（WGS 84）。", (), -90, 90),
    FieldSpec("lon", "degrees", "°", "Longitude (WGS 84).", "经度（WGS 84）。", (), -180, 180),
)

TIMES = _of(
    "time",
    ("subject_at_ms", "When the event this one is about happened.", "所针对事件的发生时间。"),
    ("expires_ms", "When it stops being valid.", "失效时间。"),
    ("promised_ms", "By when delivery was promised.", "承诺送达时间。"),
    (
        "account_created_ms",
        "When the account was made, by the shop's records.",
        "平台记录的账号注册时间。",
    ),
    ("ordered_ms", "When the order was placed.", "下单时间。"),
    unit="ms",
)

CHOICES = (
    _choice("channel", "web app mini_program phone store chat email marketplace api",
            "The way it came in.", "渠道。"),
    _choice("login_method", "password otp_sms otp_email passkey social qr_code sso token",
            "How the user signed in.", "登录方式。"),
    _choice("login_failure", "wrong_password unknown_account second_factor_failed locked blocked "
            "expired captcha_failed other", "Why signing in failed.", "登录失败原因。"),
    _choice("password_method", "old_password reset_link otp support forced",
            "How the right to change the password was shown.", "修改密码所用的身份确认方式。"),
    _choice("changed", "name email phone address bank_account second_factor avatar preferences "
            "price title images description stock category brand status several other",
            "What was changed.", "变更内容。"),
    _choice("account_kind", "buyer seller business courier", "What kind of account.", "账号类型。"),
    _choice("listing_status", "active paused removed", "Whether the listing is for sale.", "商品页状态。"),
    _choice("condition", "new refurbished used", "The condition of the goods.", "商品成色。"),
    _choice("cart_action", "added removed quantity_changed coupon_tried coupon_refused emptied",
            "What was done to the cart.", "购物车操作。"),
    _choice("payment_method", "card wallet bank_transfer direct_debit buy_now_pay_later "
            "cash_on_delivery gift_card store_credit mobile_money invoice crypto other",
            "How it is paid.", "支付方式。"),
    _choice("card_brand", "visa mastercard unionpay amex jcb discover diners maestro mir rupay elo "
            "other", "The card scheme.", "卡组织。"),
    _choice("card_funding", "credit debit prepaid charge unknown", "Whose money the card spends.", "卡片类型。"),
    _choice("decline_reason", "insufficient_funds do_not_honor stolen_card lost_card pick_up_card "
            "expired_card invalid_number invalid_expiry invalid_cvv limit_exceeded suspected_fraud "
            "authentication_failed blocked_by_merchant processing_error other",
            "Why the payment was declined.", "拒付原因。"),
    _choice("avs_result", "match partial no_match unavailable",
            "Whether the billing address agrees with the bank's.", "账单地址核验结果。"),
    _choice("cvv_result", "match no_match not_given unavailable",
            "Whether the card's security code was right.", "卡安全码核验结果。"),
    _choice("three_ds", "challenged frictionless attempted failed abandoned not_used unavailable",
            "How 3-D Secure went.", "3-D Secure 验证结果。"),
    _choice("cancelled_by", "buyer merchant platform carrier", "Who cancelled.", "取消方。"),
    _choice("cancel_reason", "changed_mind out_of_stock price_error not_paid not_shipped "
            "suspected_fraud duplicate other", "Why it was cancelled.", "取消原因。"),
    _choice("refund_reason", "not_received empty_parcel damaged wrong_item missing_item "
            "not_as_described counterfeit changed_mind duplicate price_adjustment fraud other",
            "Why money is asked back.", "退款原因。"),
    _choice("refund_to", "original_method store_credit bank_account other_card cash",
            "Where the refund goes.", "退款去向。"),
    _choice("chargeback_reason", "fraud not_received not_as_described duplicate cancelled "
            "credit_not_processed authorisation processing_error other",
            "Why the cardholder disputes.", "持卡人拒付原因。"),
    _choice("chargeback_stage", "inquiry first pre_arbitration arbitration won lost",
            "How far the dispute has come.", "争议所处阶段。"),
    _choice("shipping_method", "standard express same_day pickup_point locker own_courier digital",
            "How it is delivered.", "配送方式。"),
    _choice("scan_kind", "picked_up departed arrived customs weighed out_for_delivery attempted "
            "refused returned lost damaged", "What the scan reports.", "扫描节点。"),
    _choice("handed_to", "recipient household neighbour reception doorstep locker pickup_point "
            "unknown", "Who or what received the parcel.", "签收方。"),
    _choice("scanned_by", "consumer merchant courier inspector factory", "Who scanned.", "扫描者。"),
    _choice("label_result", "genuine unknown_label already_used mismatch revoked",
            "What the label turned out to be.", "标签核验结果。"),
    _choice("audience", "buyer merchant support public", "Who the message is for.", "消息对象。"),
    _choice("complaint_reason", "not_received not_as_described counterfeit unsafe wrong_price "
            "no_refund rude_service privacy fraud harassment other",
            "What the complaint is about.", "投诉原因。"),
    _choice("complaint_outcome", "upheld partly_upheld rejected settled withdrawn",
            "How the complaint ended.", "投诉结果。"),
    _choice("payout_method", "bank_transfer wallet card crypto cheque", "How it is paid out.", "提现方式。"),
    _choice("merchant_kind", "person sole_trader company brand factory", "What kind of merchant.", "商家类型。"),
    _choice("staff_action", "viewed searched exported changed deleted approved rejected refunded "
            "credited overrode unmasked granted_access revoked_access signed_in policy_changed "
            "listed other signed_out created decided assigned escalated noted invited downloaded", "What the employee did.", "员工操作。"),
    _choice("resource", "customer order payment card payout merchant address message policy list "
            "account report credential system case alert evidence decision session role staff webhook "
            "key", "What it was done to.", "操作对象。"),
    _choice("severity", "info low medium high critical", "How bad it is.", "严重程度。"),
    _choice("finding_kind", "firewall intrusion malware mail scanner waf endpoint bot_manager "
            "secret_leak phishing person other installation", "Which kind of tool found it.", "发现来源类型。"),
    _choice("verdict", "fraud legitimate abuse unknown", "What turned out to be true.", "事后认定的真实情况。"),
    _choice("step_up_purpose", "payment login factors",
            "What is confirmed: a payment, a signing in, or a change to the user's own factors.",
            "验证用途：确认付款、登录，或更改用户自己的验证因素。"),
    _choice("step_up_method", "totp passkey mail sms other", "How somebody shows that it is they.",
            "用户证明身份的方式。"),
    _choice("step_up_failure", "wrong_code wrong_passkey not_verified mismatch not_offered other",
            "Why it failed: the code or passkey does not fit, the device did not check who holds it, "
            "amount, payee or order are not those that were asked about, or the method was not offered.",
            "失败原因：验证码或通行密钥不符、设备未核验持有人、金额或收款方或订单与请求不符，或未提供该方式。"),
    _choice("factor_authority", "first step_up statement staff",
            "By what a factor was changed: it was the first, another one was shown, the shop says so, "
            "or customer service did it.",
            "变更依据：首个验证因素、已用其他因素验证、平台声明，或客服操作。"),
    _choice("label_source", "chargeback manual_review customer_report merchant_report police bank "
            "complaint system", "Who established it.", "认定来源。"),
)  # fmt: skip

VOCABULARY: tuple[FieldSpec, ...] = (
    *ENTITIES, *IDENTIFIERS, *LISTS, *TEXTS, *PROSE, *COUNTRIES, *MONEY, *NUMBERS, *FLAGS,
    *PLACES, *TIMES, *CHOICES,
)  # fmt: skip
"""Every field of the built-in types, in the order the documentation lists them."""
