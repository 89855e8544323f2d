"""The policy pack of the benchmark: 60 features over 5 entities, 100 rules of 2 to 4 predicates.

The same conditions are written for Kanhe, for zen-engine and for rule-engine.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.workload import COUNTRIES, CURRENCIES, ENTITIES, RATES, TYPE

RULES = 100
RESERVE_MIB = 512
"""The memory a shop with a million cards would have its state take at the start: a virtual machine
that asks its host for each page would be measured otherwise."""
COUNTED = ("1m", "10m", "1h", "24h", "7d", "30d")
SUMMED = ("1h", "24h", "30d")
DIFFERENT = {"1h": 100, "24h": 100}
COUNTERPART = {"card": "user", "user": "card", "device": "user", "ip": "user", "merchant": "card"}
_LEAST = {"1m": 2, "10m": 3, "1h": 4, "24h": 6, "7d": 9, "30d": 12}
"""From how many payments on a person looks busy; a merchant is a hundred times busier."""


class Predicate(NamedTuple):
    """`name` compared with a number, a text, another field, or a set of texts."""

    name: str
    operator: str
    value: int | str | tuple[str, ...]

    def text(self, brackets: str) -> str:
        """The predicate in Python syntax; sets stand in `()` or, for other engines, in `[]`."""
        if isinstance(self.value, tuple):
            inner = ", ".join(f'"{text}"' for text in self.value)
            return f"{self.name} {self.operator} {brackets[0]}{inner}{brackets[1]}"
        return f"{self.name} {self.operator} {self.value}"


@dataclass(frozen=True)
class BenchRule:
    """All of `every`, and (if there are any) at least one of `either`."""

    id: str
    points: int
    every: tuple[Predicate, ...]
    either: tuple[Predicate, ...]

    def condition(self, brackets: str = "()") -> str:
        """The condition as text, with the brackets the language puts around sets."""
        parts = [predicate.text(brackets) for predicate in self.every]
        if self.either:
            parts.append("(" + " or ".join(p.text(brackets) for p in self.either) + ")")
        return " and ".join(parts)

    def text(self, *, quoting: bool = True) -> str:
        """The rule as it stands in a pack; its reason quotes the feature it looks at first."""
        name = self.every[0].name
        value = f" ({{{name}}})" if quoting else ""
        return (
            f'rule("{self.id}", on="{TYPE}", points={self.points},\n'
            f"    when={self.condition()},\n"
            f'    en="{name} is unusual{value}.", zh="{name} 异常{value}。",\n'
            f'    tags=["OAT-001"], owner="payments")\n'
        )


def feature_lines() -> list[str]:
    """The declarations: per entity six counts, three sums, two distinct counts and since_last."""
    lines = []
    for entity in ENTITIES:
        of = f'"{TYPE}", by="{entity}"'
        lines += [f'{entity}_count_{w} = count({of}, over="{w}")' for w in COUNTED]
        money = f'"{TYPE}", "amount_base", by="{entity}"'
        lines += [f'{entity}_spent_{w} = sum({money}, over="{w}")' for w in SUMMED]
        other = COUNTERPART[entity]
        lines += [
            f'{entity}_{other}s_{w} = distinct("{TYPE}", "{other}", by="{entity}", over="{w}", most={most})'
            for w, most in DIFFERENT.items()
        ]
        lines.append(f"{entity}_since = since_last({of})")
    return lines


def rules(seed: int = 7) -> list[BenchRule]:
    """The hundred rules, always the same for the same seed."""
    rng = random.Random(seed)
    made = []
    for i in range(RULES):
        count = rng.randint(2, 4)
        predicates = [_predicate(rng, first=n == 0) for n in range(count)]
        split = rng.choice([1, count, count, count]) if count > 2 else count
        every, either = tuple(predicates[:split]), tuple(predicates[split:])
        made.append(BenchRule(f"rule_{i:03d}", rng.choice([5, 10, 15, 20, 30]), every, either))
    return made


def _predicate(rng: random.Random, *, first: bool) -> Predicate:
    """Mostly a feature against a number, as rules are; the first one always."""
    if first or rng.random() < 0.6:
        return _of_feature(rng)
    kind = rng.randrange(5)
    if kind == 0:
        one, two = rng.sample(
            ["ip_country", "card_country", "billing_country", "shipping_country"], 2
        )
        return Predicate(one, "!=", two)
    if kind == 1:
        field = rng.choice(["ip_country", "card_country", "shipping_country"])
        return Predicate(field, "in", tuple(sorted(rng.sample(COUNTRIES.tolist(), 3))))
    if kind == 2:
        return Predicate("currency", "in", tuple(sorted(rng.sample(CURRENCIES.tolist(), 2))))
    if kind == 3:
        return Predicate("avs_result", "==", rng.choice(['"partial"', '"no_match"']))
    return Predicate("items_count", ">=", rng.randint(3, 6))


def _of_feature(rng: random.Random) -> Predicate:
    entity = rng.choice(ENTITIES)
    factor = 100 if entity == "merchant" else 1
    kind = rng.random()
    if kind < 0.5:
        window = rng.choice(COUNTED)
        return Predicate(
            f"{entity}_count_{window}", ">=", _LEAST[window] * factor + rng.randint(0, 5)
        )
    if kind < 0.75:
        window = rng.choice(SUMMED)
        least = _LEAST[window] * factor * rng.choice([10_000, 20_000, 50_000])
        return Predicate(f"{entity}_spent_{window}", ">", least)
    if kind < 0.9:
        window = rng.choice(list(DIFFERENT))
        least = min(99, _LEAST[window] * factor - 1)
        return Predicate(f"{entity}_{COUNTERPART[entity]}s_{window}", ">=", least)
    return Predicate(f"{entity}_since", "<", rng.choice([1, 5, 30]))


_MODEL = f"""
[models.risk]
file = "models/risk.json"
on = ["{TYPE}"]
"""
_SCORED = f"""
rule("risky", on="{TYPE}", when=risk >= 0.5, points=30, en="Risky ({{risk:percent}}).",
     zh="风险较高（{{risk:percent}}）。", tags=["OAT-001"], owner="payments")
rule("very_risky", on="{TYPE}", when=risk >= 0.9, outcome="review", en="Very risky.",
     zh="风险很高。", tags=["OAT-001"], owner="payments")
"""


def write_pack(folder: Path, model: bytes = b"") -> Path:
    """Write the pack into a new folder, as a shop would have it; with a model, and rules that read
    its score, if one is given."""
    (folder / "rules").mkdir(parents=True)
    rates = "".join(f'{code} = "{rate}"\n' for code, rate in RATES.items())
    (folder / "pack.toml").write_text(
        '[pack]\nname = "bench"\nversion = "1.0.0"\n'
        'description_en = "Sixty features and a hundred rules to measure with."\n'
        'description_zh = "用于性能测量的六十个特征和一百条规则。"\n\n'
        f'[money]\nbase = "EUR"\n\n[money.rates]\n{rates}\n'
        "[verdict]\nchallenge = 40\nreview = 70\ndeny = 100\n" + (_MODEL if model else ""),
        encoding="utf-8",
    )
    (folder / "features.kanhe").write_text("\n".join(feature_lines()) + "\n", encoding="utf-8")
    text = "\n".join(rule.text() for rule in rules())
    if model:
        text += _SCORED
        (folder / "models").mkdir()
        (folder / "models" / "risk.json").write_bytes(model)
    (folder / "rules" / "bench.kanhe").write_text(text, encoding="utf-8")
    return folder
