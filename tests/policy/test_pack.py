"""Loading a pack: what is read, how mistakes are reported, and that a pack can be kept and read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanhe.judge.language.source import PolicyErrors
from kanhe.judge.policy.check import advice, describe
from kanhe.judge.policy.pack import Pack, build_pack, load_archive, load_pack
from kanhe.judge.rules.lists import PackEntry

MANIFEST = """\
[pack]
name = "mine"
version = "1"

[money]
base = "EUR"

[failures]
"payment.attempted" = "review"

[lists.stolen_cards]
holds = "card"
kind = "deny"
en = "Stolen"
zh = "被盗"
file = "lists/stolen.csv"
"""
FEATURES = """\
card_declines_10m = count("payment.declined", by="card", over="10m")
user_last_country = last("account.login", "ip_country", by="user")
"""
RULES = """\
rule(
    "card_testing", on="payment.attempted", when=card_declines_10m >= 5, points=60,
    en="{card_declines_10m} declines", zh="被拒 {card_declines_10m} 次", tags=["OAT-001"],
    owner="payments", actions=[list_add("stolen_cards", card, "7d")],
)
"""
MORE_RULES = """\
rule("listed", on="payment.attempted", when=card in stolen_cards, outcome="deny", en="a", zh="甲")
"""
FILES = {
    "pack.toml": MANIFEST.encode(),
    "features.kanhe": FEATURES.encode(),
    "rules/cards.kanhe": RULES.encode(),
    "rules/lists.kanhe": MORE_RULES.encode(),
    "lists/stolen.csv": b"value,expires,reason,author\ntok_1,2030-01-01,reported,ana\n",
}


def changed(**files: str | bytes | None) -> dict[str, bytes]:
    """The files of a sound pack with some replaced; `__` in a name stands for `/`."""
    found = dict(FILES)
    for key, text in files.items():
        name = key.replace("__", "/")
        name = next((known for known in FILES if known.startswith(name + ".")), name + ".kanhe")
        if text is None:
            del found[name]
        else:
            found[name] = text if isinstance(text, bytes) else text.encode()
    return found


def mistakes(files: dict[str, bytes]) -> list[tuple[str, int]]:
    with pytest.raises(PolicyErrors) as caught:
        build_pack(files)
    return [(error.path, error.line) for error in caught.value.errors]


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_a_sound_pack_is_read(tmp_path: Path) -> None:
    """A folder becomes a pack with features, rules, lists, entries, money and thresholds."""
    pack = load_pack(write(tmp_path, FILES))
    assert (pack.name, pack.version) == ("mine", "1")
    assert [feature.name for feature in pack.features] == ["card_declines_10m", "user_last_country"]
    assert [rule.id for rule in pack.rules] == ["card_testing", "listed"]
    assert [listed.name for listed in pack.lists] == ["stolen_cards"]
    assert pack.entries == {"stolen_cards": (PackEntry("tok_1", 1893456000000, "reported", "ana"),)}
    assert pack.rates.base == "EUR"
    assert pack.verdict.failures == {"payment.attempted": "review"}


def test_the_smallest_pack_is_a_manifest() -> None:
    """Without features, rules and lists a pack still loads: everything is allowed."""
    pack = build_pack({"pack.toml": b'[pack]\nname="a"\nversion="1"\n[money]\nbase="EUR"\n'})
    assert (pack.features, pack.rules, pack.lists) == ((), (), ())


def test_a_pack_survives_its_archive(tmp_path: Path) -> None:
    """A pack read back from its archive has the same hash, rules and archive."""
    pack = load_pack(write(tmp_path, FILES))
    again = load_archive(pack.archive)
    assert (again.hash, again.archive) == (pack.hash, pack.archive)
    assert [rule.id for rule in again.rules] == [rule.id for rule in pack.rules]
    assert describe(again) == describe(pack)


def test_files_beside_a_pack_do_not_change_it(tmp_path: Path) -> None:
    """A read-me beside the pack changes neither hash nor archive."""
    before = load_pack(write(tmp_path, FILES))
    (tmp_path / "README.md").write_text("# Ours")
    assert load_pack(tmp_path).archive == before.archive


@pytest.mark.parametrize("name", sorted(FILES))
def test_any_file_changes_the_hash(name: str) -> None:
    """One more line end in any file is another pack."""
    assert build_pack(FILES | {name: FILES[name] + b"\n"}).hash != build_pack(FILES).hash


def test_every_mistake_in_every_file_is_reported_at_once() -> None:
    """A manifest, a feature, a rule and a list entry that are wrong are reported together."""
    files = changed(
        pack=MANIFEST.replace("payment.attempted", "payment.tried"),
        features=FEATURES.replace('"10m"', '"10x"'),
        rules__cards=RULES.replace("points=60", "points=60000"),
        rules__lists=MORE_RULES.replace("card in", "carrd in"),
        lists__stolen="value,expires\ntok_1,soon\n",
    )
    assert sorted(mistakes(files)) == [
        ("features.kanhe", 1), ("lists/stolen.csv", 2), ("pack.toml", 9), ("rules/cards.kanhe", 2),
        ("rules/lists.kanhe", 1),
    ]  # fmt: skip


def test_a_wrong_feature_is_reported_once() -> None:
    """Rules that use a misdeclared feature are not blamed for it."""
    assert mistakes(changed(features=FEATURES.replace('"10m"', '"10x"'))) == [("features.kanhe", 1)]
    text_rule = RULES.replace("card_declines_10m >= 5", 'user_last_country == "DE"')
    files = changed(features=FEATURES.replace('by="user"', 'by="usr"'), rules__cards=text_rule)
    assert mistakes(files) == [("features.kanhe", 2)]


@pytest.mark.parametrize(
    ("files", "path", "message"),
    [
        (changed(pack=None), "pack.toml", "pack.toml is missing"),
        (changed(lists__stolen=None), "pack.toml", "there is no file lists/stolen.csv"),
        (changed(pack=MANIFEST.replace("file =", "# file =")), "lists/stolen.csv", "no list names"),
        (changed(pack=MANIFEST.replace('"card"', '"crad"')), "pack.toml", "is no text field"),
        (changed(rules__cards=b"\xff"), "rules/cards.kanhe", "not UTF-8"),
        (changed(rules__cards=RULES + RULES), "rules/cards.kanhe", "declared twice"),
        (changed(rules__cards=RULES.replace("card_testing", "listed")), "rules/lists.kanhe",
         "declared twice"),
        (changed(rules__cards=RULES.replace("10m >= 5", "1m >= 5")), "rules/cards.kanhe",
         "did you mean card_declines_10m?"),
        (changed(features="import os\n"), "features.kanhe", "not a declaration"),
    ],
)  # fmt: skip
def test_each_mistake_names_its_file(files: dict[str, bytes], path: str, message: str) -> None:
    """A mistake says in which file it stands and what is wrong."""
    with pytest.raises(PolicyErrors) as caught:
        build_pack(files)
    assert any(e.path == path and message in str(e) for e in caught.value.errors), caught.value


def test_a_shop_adds_its_own_events() -> None:
    """Fields and event types of `events.kanhe` can be used in features and rules."""
    events = """\
field("gift_value", kind="int", unit="points", en="Points given", zh="赠送积分", minimum=0)
event(
    "shop.gift_sent", requires=["user", "gift_value"], may=["device"], en="A gift", zh="送礼",
    example={"type": "shop.gift_sent", "id": "e1", "at_ms": 1767225600000, "user": "u1",
             "gift_value": 5},
)
"""
    rule = 'rule("gift", on="shop.gift_sent", when=gift_value > 9, points=9, en="a", zh="甲")\n'
    pack = build_pack(changed(events=events, rules__gifts=rule))
    assert "shop.gift_sent" in pack.registry.types
    assert describe(pack)["own_event_types"] == ["shop.gift_sent"]


def test_a_pack_is_shown_as_plain_data() -> None:
    """`describe` gives names, conditions, sentences and durations as their authors wrote them."""
    shown = describe(build_pack(FILES))
    assert shown["counts"] == {
        "features": 2, "derived": 0, "models": 0, "rules": 2, "lists": 1, "entries": 1,
        "event_types": 38,
    }  # fmt: skip
    assert shown["features"][0] == {
        "name": "card_declines_10m", "function": "count", "types": ["payment.declined"],
        "by": ["card"], "over": "10m",
    }  # fmt: skip
    rule = shown["rules"][0]
    assert rule["when"] == "card_declines_10m >= 5"
    assert rule["zh"] == "被拒 {card_declines_10m} 次"
    assert rule["actions"] == [
        {"kind": "list_add", "what": "stolen_cards", "value_of": "card", "for": "7d"}
    ]
    assert rule["reads"] == {"fields": [], "features": ["card_declines_10m"], "lists": []}
    assert rule["place"] == "rules/cards.kanhe:1"
    assert shown["lists"][0]["entries"] == 1


def test_advice_names_what_was_probably_not_meant() -> None:
    """Unused features, missing owners, and features that a rule's events can never have."""
    rule = (
        'rule("odd", on="session.started", when=card_declines_10m > 1, points=1, en="a", zh="甲")\n'
    )
    found = [line["message"] for line in advice(build_pack(changed(rules__odd=rule)))]
    assert "feature user_last_country is used by no rule" in found
    assert "rule odd has no owner" in found
    assert "rule odd has no tags" in found
    plain = build_pack(FILES)
    assert isinstance(plain, Pack)


def test_a_feature_that_is_always_missing_is_pointed_out() -> None:
    """A rule over events that cannot name the feature's entity would never fire; advice says so."""
    features = 'parcel_scans_1d = count("parcel.scanned", by="parcel", over="1d")\n'
    rule = 'rule("odd", on="order.placed", when=parcel_scans_1d > 1, points=1, en="a", zh="甲")\n'
    files = changed(features=FEATURES + features, rules__odd=rule)
    messages = [line["message"] for line in advice(build_pack(files))]
    assert "rule odd: parcel_scans_1d is always missing: order.placed names no parcel" in messages
