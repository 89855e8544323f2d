"""Reading `rules/*.kanhe`: each rule is checked against registry, features and lists before it runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from kanhe.core.decision import SEVERITY, Outcome
from kanhe.judge.features.spec import FeatureSpec
from kanhe.judge.intake.registry import Registry
from kanhe.judge.language.expression import Checked, check_condition, check_held
from kanhe.judge.language.literals import choice_of, duration_of, int_of, name_of, text_of, texts_of
from kanhe.judge.language.scope import Scope, scope_of
from kanhe.judge.language.source import (
    NAME,
    Declaration,
    Mistakes,
    Source,
    call_of,
    parse_calls,
    suggestion,
)
from kanhe.judge.language.tree import Type
from kanhe.judge.rules.lists import ListSpec
from kanhe.judge.rules.reasons import Sentence, read_sentence

POINTS_MAX = 1_000
"""Points of one rule lie between minus this and this."""
MAX_ACTIONS = 10
"""How many actions one rule may ask for."""
MAX_TAGS = 20
"""How many tags one rule may carry."""

_REQUIRED = ("on", "when", "en", "zh")
_OPTIONAL = ("points", "outcome", "tags", "owner", "actions")
_AUTOMATED_THREAT = re.compile(r"OAT-0(0[1-9]|1[0-9]|2[01])")
_TAG = re.compile(r"[A-Z][A-Za-z0-9._:-]{0,40}")
_ACTIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "challenge": (("what",), ()),
    "hold": (("what",), ("over",)),
    "list_add": (("to", "value"), ("over",)),
    "notify": (("whom",), ()),
}


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """An action of a rule; `value_of` is the field whose value `list_add` puts in the list."""

    kind: Literal["challenge", "hold", "list_add", "notify"]
    what: str
    value_of: str = ""
    for_ms: int = 0


@dataclass(frozen=True)
class RuleSpec:
    """One rule, checked. `path` and `line` say where it is declared."""

    id: str
    on: tuple[str, ...]
    condition: Checked
    points: int
    outcome: Outcome | None
    en: Sentence
    zh: Sentence
    tags: tuple[str, ...]
    owner: str
    actions: tuple[ActionSpec, ...]
    path: str
    line: int


def read_rules(
    source: Source,
    registry: Registry,
    features: Iterable[FeatureSpec],
    lists: Iterable[ListSpec],
    taken: Mapping[str, RuleSpec] | None = None,
    numbers: Iterable[str] = (),
) -> list[RuleSpec]:
    """Read all rules of one file. Raises `PolicyErrors` naming every mistake in it.

    `numbers` are names beside the features: derived numbers, and models for their scores. `taken` are the rules of the files read before: an id may stand once in a whole pack.
    """
    mistakes = Mistakes()
    reader = _Reader(source, registry, features, lists, numbers)
    rules = dict(taken or {})
    found: list[RuleSpec] = []
    for declaration in parse_calls(source):
        if mistakes.enough:
            break
        with mistakes.gathered():
            rule = reader.read(declaration)
            if (first := rules.get(rule.id)) is not None:
                raise source.error(
                    declaration.args[0],
                    f"rule {rule.id} is declared twice",
                    f"the first stands at {first.path}:{first.line}",
                )
            rules[rule.id] = rule
            found.append(rule)
    mistakes.raise_any()
    return found


@dataclass(frozen=True, slots=True)
class _Effect:
    """What a rule does when it fires."""

    points: int = 0
    outcome: Outcome | None = None
    actions: tuple[ActionSpec, ...] = ()


class _Reader:
    """Reads one rule at a time; scopes are kept, since most rules share theirs."""

    def __init__(
        self,
        source: Source,
        registry: Registry,
        features: Iterable[FeatureSpec],
        lists: Iterable[ListSpec],
        numbers: Iterable[str],
    ) -> None:
        self.source = source
        self.fields_by_type = {name: registry.fields_of(name) for name in registry.types}
        self.features = {spec.name: Type.TEXT if spec.is_text else Type.NUMBER for spec in features}
        self.features |= dict.fromkeys(numbers, Type.NUMBER)
        self.lists = {spec.name: spec.holds for spec in lists}
        self.scopes: dict[tuple[str, ...], Scope] = {}

    def read(self, declaration: Declaration) -> RuleSpec:
        """Check one rule; every mistake in it is gathered."""
        source = self.source
        if declaration.function != "rule" or declaration.name is not None:
            raise declaration.error("a rules file holds only rule(…)", 'write rule("my_rule", …)')
        given = declaration.bind(("id",), required=_REQUIRED, optional=_OPTIONAL)
        # Without id and event types nothing else can be checked; the rest is checked side by side.
        rule_id = self._id(given["id"])
        on = self._types(given["on"])
        scope = self._scope(on)
        mistakes = Mistakes()
        condition: Checked | None = None
        en: Sentence | None = None
        zh: Sentence | None = None
        effect = _Effect()
        with mistakes.gathered():
            condition = check_condition(given["when"], scope, source)
        with mistakes.gathered():
            en = read_sentence(source, given["en"], scope)
        with mistakes.gathered():
            zh = read_sentence(source, given["zh"], scope, "zh")
        with mistakes.gathered():
            effect = self._effect(given, scope)
            if effect == _Effect():
                raise declaration.error(
                    f"rule {rule_id} would do nothing", "give it points=, outcome= or actions="
                )
        tags: tuple[str, ...] = ()
        with mistakes.gathered():
            tags = self._tags(given.get("tags"))
        mistakes.raise_any()
        assert condition is not None
        assert en is not None
        assert zh is not None
        return RuleSpec(
            id=rule_id,
            on=on,
            condition=condition,
            points=effect.points,
            outcome=effect.outcome,
            en=en,
            zh=zh,
            tags=tags,
            owner=text_of(source, given["owner"], most=80) if "owner" in given else "",
            actions=effect.actions,
            path=source.path,
            line=declaration.node.lineno,
        )

    def _effect(self, given: Mapping[str, ast.expr], scope: Scope) -> _Effect:
        return _Effect(
            self._points(given.get("points")),
            self._outcome(given.get("outcome")),
            self._actions(given.get("actions"), scope),
        )

    def _id(self, node: ast.expr) -> str:
        rule_id = text_of(self.source, node)
        if not NAME.fullmatch(rule_id):
            raise self.source.error(
                node,
                f"{rule_id[:80]!r} cannot be the id of a rule",
                "ids are lower-case letters, digits and _, at most 64, letter first",
            )
        return rule_id

    def _types(self, node: ast.expr) -> tuple[str, ...]:
        types = texts_of(self.source, node, most=100)
        elements = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
        for name, element in zip(types, elements, strict=True):
            if name not in self.fields_by_type:
                hint = suggestion(name, self.fields_by_type)
                raise self.source.error(element, f"unknown event type {name[:80]}", hint)
        return types

    def _scope(self, on: tuple[str, ...]) -> Scope:
        if on not in self.scopes:
            self.scopes[on] = scope_of(on, self.fields_by_type, self.features, self.lists)
        return self.scopes[on]

    def _points(self, node: ast.expr | None) -> int:
        return 0 if node is None else int_of(self.source, node, least=-POINTS_MAX, most=POINTS_MAX)

    def _outcome(self, node: ast.expr | None) -> Outcome | None:
        if node is None:
            return None
        return cast(Outcome, choice_of(self.source, node, SEVERITY, "outcome"))

    def _tags(self, node: ast.expr | None) -> tuple[str, ...]:
        if node is None:
            return ()
        tags = texts_of(self.source, node, most=MAX_TAGS)
        for tag in tags:
            shape = _AUTOMATED_THREAT if tag.startswith("OAT") else _TAG
            if not shape.fullmatch(tag):
                raise self.source.error(
                    node,
                    f"{tag[:80]!r} is not a tag",
                    "write OAT-001 to OAT-021, or a capital letter and letters, digits and . _ : -",
                )
        return tags

    def _actions(self, node: ast.expr | None, scope: Scope) -> tuple[ActionSpec, ...]:
        if node is None:
            return ()
        nodes = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
        if len(nodes) > MAX_ACTIONS:
            raise self.source.error(node, f"a rule asks for at most {MAX_ACTIONS} actions")
        return tuple(dict.fromkeys(self._action(element, scope) for element in nodes))

    def _action(self, node: ast.expr, scope: Scope) -> ActionSpec:
        call = call_of(self.source, node, 'an action such as challenge("otp")')
        if call.function not in _ACTIONS:
            hint = suggestion(call.function, _ACTIONS) or f"actions are {', '.join(_ACTIONS)}"
            raise call.error(f"unknown action {call.function[:80]}", hint)
        needed, more = _ACTIONS[call.function]
        positional = needed + (more if len(call.args) > len(needed) else ())
        given = call.bind(positional, optional=more)
        over = given.get("over")
        for_ms = 0 if over is None else duration_of(self.source, over)
        match call.function:
            case "list_add":
                return self._list_add(given, for_ms, scope)
            case "hold":
                return ActionSpec("hold", self._word(given["what"]), for_ms=for_ms)
            case "notify":
                return ActionSpec("notify", self._word(given["whom"]))
            case _:
                return ActionSpec("challenge", self._word(given["what"]))

    def _list_add(self, given: dict[str, ast.expr], for_ms: int, scope: Scope) -> ActionSpec:
        name = choice_of(self.source, given["to"], scope.lists, "list")
        field = name_of(self.source, given["value"], "field")
        if scope.fields.get(field) is not Type.TEXT:
            texts = [known for known, kind in scope.fields.items() if kind is Type.TEXT]
            raise self.source.error(
                given["value"], f"{field[:80]} is not a text field here", suggestion(field, texts)
            )
        check_held(given["value"], field, name, scope, self.source)
        return ActionSpec("list_add", name, field, for_ms)

    def _word(self, node: ast.expr) -> str:
        word = text_of(self.source, node)
        if not NAME.fullmatch(word):
            raise self.source.error(node, f"{word[:80]!r} is not one plain word", 'such as "otp"')
        return word
