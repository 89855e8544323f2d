"""Packs with a rule that has gone mad, and shops that meet them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kanhe.app import Kanhe, kanhe_in_memory, open_kanhe
from kanhe.core.settings import Settings
from kanhe.judge.policy.pack import Pack, load_pack
from tests.flow.packs import FEATURES, MANIFEST, NOW_MS, START_MS

LISTED = """
rule("listed", on="payment.attempted", when=card in stolen_cards, outcome="deny", points=0,
     en="The card is on the list.", zh="该卡在名单上。", tags=["OAT-001"], owner="risk")
"""
MAD = """
rule("mad", on="payment.attempted", when=amount_minor >= 0, outcome="deny", points=0,
     actions=[list_add("stolen_cards", card, "1h"), notify("risk")],
     en="Everybody is a thief.", zh="人人都是贼。", tags=["OAT-001"], owner="risk")
"""


def write_mad(folder: Path, governor: str = "", rules: str = LISTED + MAD) -> Path:
    """Write a pack with these caps and rules."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "pack.toml").write_text(MANIFEST + governor)
    (folder / "features.kanhe").write_text(FEATURES)
    (folder / "rules" / "all.kanhe").write_text(rules)
    return folder


def mad_pack(folder: Path, governor: str = "", rules: str = LISTED + MAD) -> Pack:
    """The same, loaded."""
    return load_pack(write_mad(folder, governor, rules))


def settings(tmp_path: Path, **other: Any) -> Settings:
    """Settings of an installation below `tmp_path` with the pack in `pack`."""
    return Settings(
        data_dir=str(tmp_path / "data"), policy=str(tmp_path / "pack"), state_limit_mib=256, **other
    )


def opened(tmp_path: Path, **other: Any) -> Kanhe:
    """Open (or open again) the installation below `tmp_path`."""
    return open_kanhe(settings(tmp_path, **other), lambda: NOW_MS)


def in_memory(pack: Pack) -> Kanhe:
    """An installation that keeps nothing."""
    return kanhe_in_memory(Settings(state_limit_mib=256), lambda: NOW_MS, pack)


def buyer(number: int, **fields: Any) -> bytes:
    """A payment by somebody of their own: no sign of a person is shared with another buyer."""
    body = {
        "id": f"p{number}",
        "type": "payment.attempted",
        "at_ms": START_MS,
        "user": f"u{number}",
        "card": f"c{number}",
        "device": f"d{number}",
        "ip": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        "amount_minor": 1_000,
        "currency": "EUR",
        **fields,
    }
    return json.dumps({k: v for k, v in body.items() if v is not None}).encode()


def outcome(kanhe: Kanhe, raw: bytes, minute: float = 0, tenant: str = "shop") -> dict[str, Any]:
    """Judge one event that arrives so many minutes after the start; gives the decision."""
    answer = kanhe.judge(tenant, raw, frozenset(), NOW_MS + round(minute * 60_000)).answer
    kanhe.commit()
    decision: dict[str, Any] = json.loads(answer)
    return decision
