"""A pack as plain data, for people and programs that want to look: `kanhe policy show`.

Everything given here is text, numbers, lists and dicts, ready for JSON, in the order of the files.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from kanhe.judge.features.spec import FeatureSpec
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.literals import in_words
from kanhe.judge.language.scope import ALWAYS, AMOUNT_BASE
from kanhe.judge.policy.pack import Pack
from kanhe.judge.rules.declare import ActionSpec, RuleSpec


def describe(pack: Pack) -> dict[str, Any]:
    """Everything a pack says, and `advice`: what is allowed but probably not meant."""
    verdict = pack.verdict
    own = [name for name in pack.registry.types if name not in builtin().types]
    return {
        "name": pack.name,
        "version": pack.version,
        "hash": pack.hash,
        "description": {"en": pack.description.en, "zh": pack.description.zh},
        "counts": {
            "features": len(pack.features),
            "rules": len(pack.rules),
            "lists": len(pack.lists),
            "entries": sum(len(entries) for entries in pack.entries.values()),
            "event_types": len(pack.registry.types),
        },
        "files": [{"path": name, "bytes": len(pack.files[name])} for name in sorted(pack.files)],
        "money": {"base": pack.rates.base, "rates": dict(pack.rate_texts)},
        "verdict": {
            "challenge": verdict.challenge,
            "review": verdict.review,
            "deny": verdict.deny,
            "precedence": list(verdict.precedence),
            "default_challenge": verdict.default_challenge,
        },
        "failures": {"default": verdict.default_failure, **verdict.failures},
        "own_event_types": own,
        "features": [_feature(spec) for spec in pack.features],
        "rules": [_rule(spec) for spec in pack.rules],
        "lists": [
            {
                "name": spec.name,
                "holds": spec.holds,
                "kind": spec.kind,
                "en": spec.en,
                "zh": spec.zh,
                "entries": len(pack.entries.get(spec.name, ())),
            }
            for spec in pack.lists
        ],
        "tags": dict(sorted(Counter(tag for rule in pack.rules for tag in rule.tags).items())),
        "rules_by_type": dict(sorted(Counter(t for rule in pack.rules for t in rule.on).items())),
        "advice": advice(pack),
    }


def advice(pack: Pack) -> list[dict[str, str]]:
    """What a careful reader would ask about, none of which keeps a pack from loading.

    Each has `place` (file and line, or a name), `message` and, in Chinese, `message_zh`.
    """
    found = [*_silent_rules(pack), *_unused(pack)]
    for rule in pack.rules:
        if not rule.owner:
            found.append(
                _Advice(_place(rule), f"rule {rule.id} has no owner", f"规则 {rule.id} 没有负责人")
            )
        if not rule.tags:
            found.append(
                _Advice(_place(rule), f"rule {rule.id} has no tags", f"规则 {rule.id} 没有标签")
            )
    return [{"place": a.place, "message": a.en, "message_zh": a.zh} for a in found]


class _Advice(NamedTuple):
    place: str
    en: str
    zh: str


def _silent_rules(pack: Pack) -> list[_Advice]:
    """Features that are missing on every event of a rule's type, since it cannot name the entity."""
    by = {spec.name: spec.by for spec in pack.features}
    found = []
    for rule in pack.rules:
        for name in sorted(rule.condition.features):
            for type_name in rule.on:
                lacking = [e for e in by[name] if e not in pack.registry.fields_of(type_name)]
                if lacking:
                    en = f"{name} is always missing: {type_name} names no {lacking[0]}"
                    zh = f"{name} 永远缺失：{type_name} 不含 {lacking[0]}"
                    found.append(
                        _Advice(_place(rule), f"rule {rule.id}: {en}", f"规则 {rule.id}：{zh}")
                    )
    return found


def _unused(pack: Pack) -> list[_Advice]:
    """Features that cost time and lists that are kept, although no rule reads them."""
    features: set[str] = set()
    lists: set[str] = set()
    for rule in pack.rules:
        features |= rule.condition.features
        features |= {place.name for place in (*rule.en.places, *rule.zh.places)}
        lists |= rule.condition.lists
    found = [
        _Advice(name, f"feature {name} is used by no rule", f"没有规则用到特征 {name}")
        for name in (spec.name for spec in pack.features)
        if name not in features
    ]
    return found + [
        _Advice(name, f"list {name} is read by no rule", f"没有规则读取名单 {name}")
        for name in (spec.name for spec in pack.lists)
        if name not in lists
    ]


def _place(rule: RuleSpec) -> str:
    return f"{rule.path}:{rule.line}"


def _feature(spec: FeatureSpec) -> dict[str, Any]:
    """One feature; what does not apply to it is left out."""
    found: dict[str, Any] = {
        "name": spec.name,
        "function": spec.function,
        "types": list(spec.types),
        "by": list(spec.by),
    }
    if spec.field is not None:
        found["field"] = spec.field
    if spec.over_ms:
        found["over"] = in_words(spec.over_ms)
    if spec.delay_ms:
        found["delay"] = in_words(spec.delay_ms)
    if spec.most:
        found["most"] = spec.most
    if spec.where is not None:
        found["where"] = spec.where.text
    if spec.of is not None:
        found["of"] = spec.of.text
    return found


def _rule(spec: RuleSpec) -> dict[str, Any]:
    """One rule, with what its condition reads."""
    condition = spec.condition
    return {
        "id": spec.id,
        "on": list(spec.on),
        "when": " ".join(condition.text.split()),
        "points": spec.points,
        "outcome": spec.outcome,
        "en": spec.en.text,
        "zh": spec.zh.text,
        "tags": list(spec.tags),
        "owner": spec.owner,
        "actions": [_action(action) for action in spec.actions],
        "reads": {
            "fields": sorted(condition.fields - ALWAYS - {AMOUNT_BASE}),
            "features": sorted(condition.features),
            "lists": sorted(condition.lists),
        },
        "place": _place(spec),
    }


def _action(spec: ActionSpec) -> dict[str, Any]:
    """One action; durations as people write them."""
    found: dict[str, Any] = {"kind": spec.kind, "what": spec.what}
    if spec.value_of:
        found["value_of"] = spec.value_of
    if spec.for_ms:
        found["for"] = in_words(spec.for_ms)
    return found
