"""The words of every error an author can meet, kept as golden files.

Set KANHE_WRITE_GOLDEN=1 to write the files anew, and read the difference before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kanhe.judge.language.source import PolicyError, PolicyErrors
from tests.rules.samples import read, rule

GOLDEN = Path(__file__).with_name("golden")
CASES: dict[str, str] = {
    "unknown_feature": rule("card_declines_1m > 5"),
    "unknown_field_here": rule('card_country == "DE"', on="account.login"),
    "field_not_in_every_type": (
        'rule("r", on=["account.login", "payment.attempted"], when=card_country == "DE",\n'
        '     points=5, en="a", zh="b")\n'
    ),
    "unknown_word": rule("is_vpn == true"),
    "type_mismatch": rule('amount_base > "100"'),
    "text_compared_with_number": rule("ip_country == 49"),
    "order_of_texts": rule('ip_country > "DE"'),
    "number_as_condition": rule("card_declines_10m"),
    "text_as_condition": rule("not coupon"),
    "text_feature_misused": rule('lower(user_country) == "de"'),
    "impossible_choice": rule('card_funding == "prepayed"'),
    "impossible_country": rule('ip_country in ["DE", "fr"]'),
    "list_as_value": rule("stolen_cards"),
    "list_of_another_kind": rule("device in stolen_cards"),
    "ids_compared": rule('products == "p1"'),
    "forbidden_attribute": rule("card.upper() == card"),
    "forbidden_lambda": rule("(lambda: True)()"),
    "forbidden_loop": rule("len([x for x in products]) > 0"),
    "forbidden_power": rule("amount_base ** 9 > 1"),
    "forbidden_index": rule('products[0] == "p"'),
    "forbidden_choice": rule("True if is_vpn else False"),
    "forbidden_walrus": rule("(x := 3) > 2"),
    "forbidden_bit_and": rule("is_vpn & is_proxy"),
    "forbidden_is_none": rule("card is None"),
    "f_text": rule('card == f"{device}"'),
    "unknown_function": rule("startswith(card, 'a')"),
    "wrong_number_of_arguments": rule("min(amount_base) > 1"),
    "division_by_literal_zero": rule("amount_base / 0 > 1"),
    "in_without_list": rule('"a" in coupon'),
    "chained_in": rule('coupon in ["A"] == True'),
    "unclosed_bracket": 'rule("r", on="payment.attempted", when=(amount_base > 3,\n',
    "wrong_bracket": rule("(is_vpn]"),
    "unclosed_text": 'rule("r", on="payment.attempted)\n',
    "single_equals": rule('(coupon = "A")'),
    "missing_keyword": 'rule("r", on="payment.attempted", points=5, en="a", zh="b")\n',
    "unknown_keyword": 'rule("r", on="payment.attempted", wen=is_vpn, en="a", zh="b", points=1)\n',
    "keyword_twice": rule("is_vpn", more="points=1, points=2"),
    "too_many_by_place": 'rule("r", "payment.attempted", when=is_vpn, en="a", zh="b")\n',
    "duplicate_rule": rule("is_vpn") + "# the same again\n" + rule("is_proxy"),
    "unknown_event_type": rule("True", on="payment.atempted"),
    "bad_duration": rule("is_vpn", more='actions=[hold("payout", "24 hours")]'),
    "unknown_outcome": rule("is_vpn", more='outcome="block"'),
    "unknown_action": rule("is_vpn", more='actions=[chalenge("otp")]'),
    "unknown_list": rule("is_vpn", more='actions=[list_add("stolen_card", card, "7d")]'),
    "listed_field_unknown": rule("is_vpn", more='actions=[list_add("stolen_cards", crad)]'),
    "points_out_of_range": rule("is_vpn", more="points=5000"),
    "points_not_whole": rule("is_vpn", more="points=1.5"),
    "nothing_to_do": rule("is_vpn", more="tags=[]").replace(", tags=[]", ""),
    "bad_tag": rule("is_vpn", more='points=1, tags=["OAT-099"]'),
    "bad_id": rule("is_vpn", name="Card Testing"),
    "unknown_name_in_sentence": rule("is_vpn").replace("Why.", "{card_declines} declined"),
    "lone_brace": rule("is_vpn").replace("Why.", "{card_declines_10m declined"),
    "too_deep": rule("-" * 60 + "amount_base > 1"),
    "too_many_brackets": rule("(" * 60 + "is_vpn" + ")" * 60),
    "too_many_nodes": rule(" or ".join(["is_vpn"] * 600)),
    "too_long": rule(" or ".join(["is_vpn"] * 3000)),
    "not_a_declaration": "import os\nx = 5\nfor x in y: pass\n",
    "named_rule": "x = " + rule("is_vpn"),
    "hidden_direction": rule('coupon == "\u202eevil"'),
    "nul": rule('coupon == "\0"'),
    "wide_characters": rule('coupon == "优惠券" and copon == "双十一"'),
    "several_mistakes": rule("card_declines_1m > 5", more="points=9999") + rule("x", name="s"),
    "huge_number": rule("amount_base > " + "9" * 50),
    "infinite_number": rule("amount_base > 1e999"),
    "python_syntax": rule("is_vpn is_proxy"),
}


def said(text: str) -> str:
    """What an author is told about a text."""
    with pytest.raises((PolicyError, PolicyErrors)) as caught:
        read(text)
    return f"{caught.value}\n"


@pytest.mark.parametrize("case", CASES)
def test_error_reads_as_agreed(case: str) -> None:
    """Each mistake is told with its place, a caret, what is wrong, and mostly what to do."""
    path = GOLDEN / f"{case}.txt"
    text = said(CASES[case])
    if os.environ.get("KANHE_WRITE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_every_golden_file_is_used() -> None:
    """No golden file outlives its case."""
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)
