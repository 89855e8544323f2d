"""Small policy packs written to a folder, and installations over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kanhe.app import Kanhe, open_kanhe
from kanhe.core.settings import Settings

NOW_MS = 1_800_000_000_000
START_MS = 1_767_225_600_000

MANIFEST = """
[pack]
name = "small"
version = "1"
description_en = "A small pack."
description_zh = "一个小策略包。"

[money]
base = "EUR"

[verdict]
challenge = 40
review = 70
deny = 100

[failures]
default = "open"
"refund.requested" = "review"

[lists.stolen_cards]
holds = "card"
kind = "deny"
en = "Stolen cards."
zh = "被盗卡。"
"""
FEATURES = """
card_n_10m = count("payment.attempted", by="card", over="10m")
user_n_1h = count(["payment.attempted", "account.login"], by="user", over="1h")
"""
RULES = """
rule("listed", on="payment.attempted", when=card in stolen_cards, outcome="deny", points=0,
     en="The card is on the list.", zh="该卡在名单上。", tags=["OAT-001"], owner="risk")
rule("fast", on="payment.attempted", when=card_n_10m >= 3, points=50,
     en="{card_n_10m} payments in 10 minutes", zh="10 分钟内 {card_n_10m} 次支付",
     tags=["OAT-001"], owner="risk")
rule("faster", on="payment.attempted", when=card_n_10m >= 4, points=60,
     actions=[list_add("stolen_cards", card, "1h"), notify("risk")],
     en="Too fast.", zh="过快。", tags=["OAT-001"], owner="risk")
rule("broken", on=["payment.attempted", "refund.requested"],
     when=1 / (amount_minor - amount_minor) > 0, points=100,
     en="Never.", zh="从不。", tags=["OAT-001"], owner="risk")
"""


def write_pack(folder: Path, features: str = FEATURES, rules: str = RULES) -> Path:
    """Write a pack of these texts."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "pack.toml").write_text(MANIFEST)
    (folder / "features.kanhe").write_text(features)
    (folder / "rules" / "all.kanhe").write_text(rules)
    return folder


def settings(tmp_path: Path, **other: Any) -> Settings:
    """Settings for an installation below `tmp_path`, with the small pack."""
    return Settings(
        data_dir=str(tmp_path / "data"),
        policy=str(tmp_path / "pack"),
        state_limit_mib=256,
        **other,
    )


def opened(tmp_path: Path, **other: Any) -> Kanhe:
    """Open (or open again) the installation below `tmp_path`."""
    if not (tmp_path / "pack").exists():
        write_pack(tmp_path / "pack")
    return open_kanhe(settings(tmp_path, **other), lambda: NOW_MS)


def payment(event_id: str, second: float = 0, **fields: Any) -> bytes:
    """A payment attempt, `second` seconds after the start."""
    body = {
        "id": event_id,
        "type": "payment.attempted",
        "at_ms": START_MS + round(second * 1000),
        "user": "u1",
        "card": "c1",
        "amount_minor": 1999,
        "currency": "EUR",
        **fields,
    }
    return json.dumps({k: v for k, v in body.items() if v is not None}).encode()


def decided(answer: bytes) -> dict[str, Any]:
    """The decision as a plain mapping."""
    decision: dict[str, Any] = json.loads(answer)
    return decision
