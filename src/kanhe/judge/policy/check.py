"""A pack as plain data, for people and programs that want to look: `kanhe policy show`.

Everything given here is text, numbers, lists and dicts, ready for JSON, in the order of the files.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import msgspec

from kanhe.core.decision import Text
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
            "derived": len(pack.derived),
            "models": len(pack.models),
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
        "governor": msgspec.to_builtins(pack.governor),
        "own_event_types": own,
        "features": [_feature(spec) for spec in pack.features],
        "derived": [
            {"name": spec.name, "types": list(spec.types), "value": _one_line(spec.expression.text)}
            for spec in pack.derived
        ],
        "models": [
            {
                "name": spec.name,
                "file": spec.file,
                "on": list(spec.on),
                "hash": spec.model.hash,
                "kind": spec.model.kind,
                "trees": len(spec.model.trees),
                "inputs": list(spec.model.input_names),
            }
            for spec in pack.models
        ],
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
    found = [*_silent_rules(pack), *_silent_inputs(pack), *_unused(pack)]
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
    """What rules read although it is missing on every event of one of their types."""
    found = []
    for rule in pack.rules:
        for name in sorted(rule.condition.features):
            for type_name in rule.on:
                if why := _silence(pack, name, type_name):
                    en, zh = f"rule {rule.id}: {why.en}", f"规则 {rule.id}：{why.zh}"
                    found.append(_Advice(_place(rule), en, zh))
    return found


def _silent_inputs(pack: Pack) -> list[_Advice]:
    """What models read although it is missing on every event of one of their types."""
    found = []
    for scored in pack.models:
        for name in scored.model.input_names:
            for type_name in scored.on:
                if why := _silence(pack, name, type_name):
                    en, zh = f"model {scored.name}: {why.en}", f"模型 {scored.name}：{why.zh}"
                    found.append(_Advice(scored.file, en, zh))
    return found


def _silence(pack: Pack, name: str, type_name: str) -> Text | None:
    """Why a number is missing on every event of a type, if it is."""
    for spec in pack.features:
        if spec.name == name:
            for entity in spec.by:
                if entity not in pack.registry.fields_of(type_name):
                    en = f"{name} is always missing: {type_name} names no {entity}"
                    return Text(en, f"{name} 永远缺失：{type_name} 不含 {entity}")
    on = {spec.name: spec.types for spec in pack.derived}
    on |= {spec.name: spec.on for spec in pack.models}
    if name in on and type_name not in on[name]:
        en = f"{name} is always missing on {type_name}"
        return Text(en, f"{name} 在 {type_name} 上永远缺失")
    return None


def _unused(pack: Pack) -> list[_Advice]:
    """Features that cost time and lists that are kept, although no rule reads them."""
    features: set[str] = set()
    lists: set[str] = set()
    for rule in pack.rules:
        features |= rule.condition.features
        features |= {place.name for place in (*rule.en.places, *rule.zh.places)}
        lists |= rule.condition.lists
    for scored in pack.models:
        features.update(scored.model.input_names)
    for derived in pack.derived:
        features |= derived.expression.features
    declared = [spec.name for spec in pack.features] + [spec.name for spec in pack.derived]
    declared += [spec.name for spec in pack.models]
    found = [
        _Advice(name, f"feature {name} is used by no rule", f"没有规则用到特征 {name}")
        for name in declared
        if name not in features
    ]
    return found + [
        _Advice(name, f"list {name} is read by no rule", f"没有规则读取名单 {name}")
        for name in (spec.name for spec in pack.lists)
        if name not in lists
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())


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
        "when": _one_line(condition.text),
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
