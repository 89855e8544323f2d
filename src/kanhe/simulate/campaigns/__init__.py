"""Attack campaigns with ground truth: each is a function that writes its whole life into the diary.

Attackers differ in how much trouble they take and adapt from wave to wave, but the diary is written
before anything is judged: they do not see the shop's decisions. Not all of them are meant to be
caught. None was written with a rule in mind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kanhe.simulate.campaigns import abuse, accounts, cards, insiders, sellers
from kanhe.simulate.campaigns.crew import Crew
from kanhe.simulate.places import PLACES
from kanhe.simulate.shop import Shop


class Campaign(NamedTuple):
    """A kind of attack, as people read it."""

    name: str
    en: str
    zh: str
    write: Callable[[Crew], None]


CAMPAIGNS: tuple[Campaign, ...] = (
    Campaign("card_testing", "Card testing", "盗卡试刷", cards.card_testing),
    Campaign("stolen_cards", "Buying with stolen cards", "盗卡购物", cards.stolen_cards),
    Campaign("gift_card_cashing", "Gift cards bought with stolen cards", "盗卡购买礼品卡套现",
             cards.gift_card_cashing),
    Campaign("friendly_fraud", "False chargebacks", "恶意拒付", cards.friendly_fraud),
    Campaign("credential_stuffing", "Credential stuffing", "撞库", accounts.credential_stuffing),
    Campaign("account_takeover", "Account takeover", "账号盗用", accounts.account_takeover),
    Campaign("fake_signups_bonus", "Fake sign-ups for bonuses", "虚假注册薅羊毛",
             accounts.fake_signups_bonus),
    Campaign("request_flood", "Request floods and scraping", "流量攻击与爬取", accounts.request_flood),
    Campaign("refund_abuse", "Refund abuse", "恶意退款", abuse.refund_abuse),
    Campaign("reseller_bots", "Reseller bots", "黄牛抢购", abuse.reseller_bots),
    Campaign("brushing_reviews", "Brushing and bought reviews", "刷单炒信", abuse.brushing_reviews),
    Campaign("offsite_scam", "Luring buyers off the platform", "诱导站外交易", abuse.offsite_scam),
    Campaign("empty_parcels", "Empty parcels", "空包裹", sellers.empty_parcels),
    Campaign("merchant_bust_out", "Merchant bust-out", "商家卷款跑路", sellers.merchant_bust_out),
    Campaign("payout_fraud", "Payout fraud", "盗取商家货款", sellers.payout_fraud),
    Campaign("courier_anomaly", "Courier theft", "快递员侵吞包裹", sellers.courier_anomaly),
    Campaign("counterfeit_labels", "Copied anti-counterfeit labels", "防伪标签复制",
             sellers.counterfeit_labels),
    Campaign("staff_data_theft", "Staff stealing data", "员工窃取数据", insiders.staff_data_theft),
    Campaign("staff_favours", "Staff doing favours", "员工徇私退款", insiders.staff_favours),
)  # fmt: skip
"""Every campaign of a simulation, by theme."""


def write_campaigns(shop: Shop) -> None:
    """Write all campaigns into the diary; each has chance of its own, so none disturbs another."""
    for campaign in CAMPAIGNS:
        dice = shop.dice.split(campaign.name)
        campaign.write(Crew(shop, dice, campaign.name, dice.pick(PLACES)))
