"""The hundred rules as a decision table of zen-engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bench import policy


def zen_hits() -> Callable[[dict[str, Any]], list[str]]:
    """The table as a function from values to the rules that hold. Raises `ImportError` without zen."""
    import zen

    rows = [
        {"_id": rule.id, "when": rule.condition("[]"), "hit": f'"{rule.id}"'}
        for rule in policy.rules()
    ]
    table = {
        "hitPolicy": "collect",
        "inputs": [{"id": "when", "name": "when"}],
        "outputs": [{"id": "hit", "name": "hit", "field": "hit"}],
        "rules": rows,
    }
    graph = {
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode"},
            {"id": "rules", "name": "rules", "type": "decisionTableNode", "content": table},
            {"id": "out", "name": "out", "type": "outputNode"},
        ],
        "edges": [
            {"id": "a", "type": "edge", "sourceId": "in", "targetId": "rules"},
            {"id": "b", "type": "edge", "sourceId": "rules", "targetId": "out"},
        ],
    }
    decision = zen.ZenEngine().create_decision(json.dumps(graph))

    def hits(values: dict[str, Any]) -> list[str]:
        return [row["hit"] for row in decision.evaluate(values)["result"]]

    return hits
