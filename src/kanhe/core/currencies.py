"""Currencies: how many decimal places the minor unit of each ISO 4217 code has."""

from __future__ import annotations

from types import MappingProxyType

_PLACES = {
    0: """
    BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF
    """,
    2: """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP
    BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD
    FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD
    KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD
    NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP
    SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED
    VES WST XCD XCG YER ZAR ZMW ZWG
    """,
    3: """
    BHD IQD JOD KWD LYD OMR TND
    """,
    4: """
    CLF UYW
    """,
}

EXPONENT: MappingProxyType[str, int] = MappingProxyType(
    {code: places for places, codes in _PLACES.items() for code in codes.split()}
)
"""ISO 4217 code -> minor unit exponent: 2 for EUR (cents), 0 for JPY, 3 for KWD.

Holds the active currencies and funds of ISO 4217, list one. ANG and BGN, withdrawn in 2025 and 2026,
stay because refunds and disputes reach back further than that. Left out: metals, units of account
and test codes (XAU, XDR, XTS, …), which have no minor unit and no price in a shop.
"""
