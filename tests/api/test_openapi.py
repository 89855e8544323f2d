"""The description of the HTTP interface is valid OpenAPI 3.1 and speaks of what is really there."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from kanhe.core.settings import Settings
from kanhe.judge.intake.registry import builtin
from kanhe.serve.api.access import Gate
from kanhe.serve.api.application import Application
from kanhe.serve.api.openapi import describe_openapi
from tests.api.fake_engine import FakeEngine

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The description with the built-in registry."""
    found: dict[str, Any] = json.loads(describe_openapi(builtin()))
    return found


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


def test_the_document_has_what_openapi_asks_for(document: dict[str, Any]) -> None:
    """The fixed parts of OpenAPI 3.1 are there, and nothing it does not know."""
    assert re.fullmatch(r"3\.1\.\d", document["openapi"])
    assert document["info"]["title"]
    assert document["info"]["version"]
    known = {"openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks",
             "components", "security", "tags", "externalDocs"}  # fmt: skip
    assert document.keys() <= known


def test_every_operation_is_complete(document: dict[str, Any]) -> None:
    """Operations have unique ids, known tags, responses with descriptions, declared parameters."""
    operations = list(_operations(document))
    ids = [operation["operationId"] for _, _, operation in operations]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in document["tags"]}
    for path, _, operation in operations:
        assert set(operation["tags"]) <= tags
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status)
            assert response["description"]
        item = document["paths"][path]
        declared = {
            p["name"]
            for p in [*item.get("parameters", []), *operation.get("parameters", [])]
            if p["in"] == "path"
        }
        assert declared == set(re.findall(r"{(\w+)}", path))


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """Each `$ref` and each discriminator names a schema of the document."""
    schemas = document["components"]["schemas"]
    for node in _nodes(document):
        refs = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        if isinstance(node.get("discriminator"), dict):
            refs += node["discriminator"].get("mapping", {}).values()
        for ref in refs:
            assert ref.removeprefix("#/components/schemas/") in schemas


def test_every_event_type_is_described_with_an_example(document: dict[str, Any]) -> None:
    """Each event type has its schema, its description and an example with all needed fields."""
    registry = builtin()
    mapping = document["components"]["schemas"]["Event"]["discriminator"]["mapping"]
    assert set(mapping) == set(registry.types)
    for name, ref in mapping.items():
        schema = document["components"]["schemas"][ref.rpartition("/")[2]]
        assert schema["description"] == registry.types[name].en
        example = schema["examples"][0]
        assert example["type"] == name
        assert set(schema["required"]) <= example.keys()
        assert example.keys() <= schema["properties"].keys()


def test_described_paths_are_served(document: dict[str, Any]) -> None:
    """Every path and method of the description is answered by the application, and by no 404 or 405."""
    app = Application(FakeEngine(), Settings(require_keys=False), Gate(None), lambda: b"{}")

    async def ask() -> list[tuple[str, str, int]]:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://x"
        ) as client:
            answers = []
            for path, method, _ in _operations(document):
                real = path.replace("{name}", "stolen_cards").replace("{value}", "x")
                answer = await client.request(method.upper(), real, content=b"{}")
                answers.append((method, path, answer.status_code))
            return answers

    wrong = [answer for answer in asyncio.run(ask()) if answer[2] in (405, 500)]
    assert wrong == []
