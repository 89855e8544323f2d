"""The description of the HTTP interface (OpenAPI 3.1), made from the types that are really used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

import kanhe
from kanhe.core.decision import Decision
from kanhe.core.errors import PROBLEM_MEDIA_TYPE, Problem
from kanhe.core.event import Event
from kanhe.record.log.proof import MEDIA_TYPE as PROOF_MEDIA_TYPE
from kanhe.serve.api.access import SCOPES
from kanhe.serve.api.lists import NewEntry
from kanhe.serve.api.openapi_step_up import BODIES, OPERATIONS, PARAMETERS
from kanhe.serve.api.policy import STEPS, PolicyAsk, ReleaseAsk


class DescribedType(Protocol):
    """What is told about one event type."""

    @property
    def en(self) -> str:
        """A sentence in English."""

    @property
    def example(self) -> Mapping[str, Any]:
        """A complete event."""


class DescribedRegistry(Protocol):
    """The event types in force."""

    @property
    def types(self) -> Mapping[str, DescribedType]:
        """By name."""

    def struct(self, type_name: str) -> type[Event]:
        """The type that its JSON is read into."""


class Recorded(msgspec.Struct, frozen=True):
    """The answer to an event that was taken in without a decision."""

    event_id: str
    seq: int
    recorded: bool


_FIXED: tuple[Any, ...] = (
    Problem, Decision, Recorded, NewEntry, PolicyAsk, ReleaseAsk, *BODIES,
)  # fmt: skip
"""What is described beside the types of events."""
_REF = "#/components/schemas/{name}"
_PROBLEM_REF = {"$ref": _REF.format(name="Problem")}

_REFUSALS = {
    "400": "Not JSON, or not UTF-8.",
    "401": "No valid API key.",
    "403": "The key lacks the scope.",
    "408": "The body took too long.",
    "413": "Too large.",
    "415": "Clearly not JSON.",
    "422": "A field is missing, unknown or not as expected; the problem names it.",
    "429": "The key's rate is used up; see Retry-After.",
    "503": "The event could not be stored, or the server is full; see Retry-After.",
}


def describe_openapi(registry: DescribedRegistry) -> bytes:
    """The whole document as JSON."""
    schemas, events = _schemas(registry)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Kanhe",
            "version": kanhe.__version__,
            "description": "Every event of a trade is judged, recorded and answered.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [
            {"name": name}
            for name in (
                "decisions",
                "events",
                "notices",
                "log",
                "lists",
                "policy",
                "step-up",
                "operation",
            )
        ],
        "paths": {
            **_event_paths(registry),
            **_hook_paths(),
            **_log_paths(),
            **_list_paths(),
            **_policy_paths(),
            **_step_up_paths(),
            **_operation_paths(),
        },
        "components": {
            "schemas": {**schemas, "Event": events},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made with `kanhe keys create`. Scopes: " + ", ".join(SCOPES),
                }
            },
        },
    }
    return msgspec.json.encode(document)


def _schemas(registry: DescribedRegistry) -> tuple[dict[str, Any], dict[str, Any]]:
    """All schemas, and the one that is any of the event types, told apart by `type`."""
    structs = {name: registry.struct(name) for name in sorted(registry.types)}
    parts: list[Any] = [*_FIXED, *structs.values()]
    found, components = msgspec.json.schema_components(parts, ref_template=_REF)
    schemas: dict[str, Any] = dict(components)
    mapping: dict[str, str] = {}
    for (name, about), schema in zip(
        sorted(registry.types.items()), found[len(_FIXED) :], strict=True
    ):
        mapping[name] = schema["$ref"]
        own = dict(schemas[schema["$ref"].rpartition("/")[2]])
        own["description"] = about.en
        own["examples"] = [{"type": name, **about.example}]
        schemas[schema["$ref"].rpartition("/")[2]] = own
    either = {
        "oneOf": [{"$ref": ref} for ref in mapping.values()],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    return schemas, either


def _event_paths(registry: DescribedRegistry) -> dict[str, Any]:
    example_type = "payment.attempted"
    if example_type not in registry.types:
        example_type = min(registry.types)
    example = {"type": example_type, **registry.types[example_type].example}
    paths: dict[str, Any] = {}
    for path, tag, scope, answer, text in (
        ("/v1/decisions", "decisions", "decide", "Decision", "Judge one event"),
        ("/v1/events", "events", "record", "Recorded", "Record one event without judging it"),
    ):
        name = path.rpartition("/")[2]
        paths[path] = {
            "post": {
                "operationId": f"post_{name}",
                "tags": [tag],
                "summary": text,
                "description": f"Needs the scope `{scope}`. The same event id gets the same bytes "
                "again, with the header `Kanhe-Repeated: true`.",
                "requestBody": _json_body("Event", example),
                "responses": {"200": _json_answer(answer, repeated=True), **_refusals()},
            }
        }
        paths[f"{path}:batch"] = {
            "post": {
                "operationId": f"post_{name}_batch",
                "tags": [tag],
                "summary": f"{text.replace('one event', 'many events').replace('it', 'them')}",
                "description": f"Needs the scope `{scope}`. One JSON object a line; the answers "
                "come in the same order while lines still arrive. A line that is refused is "
                "answered by a problem with its `line`.",
                "requestBody": {
                    "required": True,
                    "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
                },
                "responses": {
                    "200": {
                        "description": f"Lines, each of them a {answer} or a Problem.",
                        "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
                    },
                    **_refusals(),
                },
            }
        }
    paths["/v1/decisions/{decision_id}"] = {
        "get": {
            "operationId": "get_decision",
            "tags": ["decisions"],
            "summary": "Read a decision back, as it was answered",
            "description": "Needs the scope `read`.",
            "parameters": [_path_parameter("decision_id", "The decision's id.")],
            "responses": {"200": _json_answer("Decision"), **_refusals("401", "403", "404", "429")},
        }
    }
    return paths


def _log_paths() -> dict[str, Any]:
    """Receipts, and the log as C2SP tlog-tiles lays it out."""
    pending = "The log does not hold the decision yet, or cannot be read; see Retry-After."
    receipt = _operation(
        "get_receipt",
        "log",
        "Prove that a decision stands in the log",
        _file(PROOF_MEDIA_TYPE, "A C2SP tlog-proof file: entry, inclusion proof, checkpoint."),
        _refusals("401", "403", "404", "429")
        | _refusal("400", "A parameter is not as described here.")
        | _refusal("503", pending),
    )
    receipt["description"] = "Needs the scope `read`, and with `event=true` also `evidence`."
    receipt["parameters"] = [
        _path_parameter("decision_id", "The decision's id."),
        {
            "name": "event",
            "in": "query",
            "required": False,
            "description": "Whether the receipt opens the event, too.",
            "schema": {"type": "boolean", "default": False},
        },
    ]
    level = _path_parameter("level", "The level of hashes, or `entries` for bundles of entries.")
    level["schema"]["pattern"] = "^([0-9]|[1-5][0-9]|6[0-3]|entries)$"
    number = _path_parameter("number", "As the log writes it, slashes and all: `x001/067.p/112`.")
    number["schema"]["pattern"] = r"^(x[0-9]{3}/)*[0-9]{3}(\.p/[1-9][0-9]{0,2})?$"
    refused = _refusals("401", "403", "404", "429") | _refusal("503", "The log cannot be read.")
    checkpoint = _operation(
        "get_checkpoint",
        "log",
        "The signed size and root of the log",
        _file("text/plain; charset=utf-8", "A signed note, with the cosignatures it has."),
        refused,
    )
    tile = _operation(
        "get_tile",
        "log",
        "A tile of hashes, or a bundle of entries",
        _file("application/octet-stream", "The file. It never changes."),
        refused,
    )
    tile["parameters"] = [level, number]
    for file in (checkpoint, tile):
        file["description"] = "Needs the scope `read`, unless `log_public` is set; then no key."
        file["security"] = [{"key": []}, {}]
    return {
        "/v1/decisions/{decision_id}/receipt": {"get": receipt},
        "/log/checkpoint": {"get": checkpoint},
        "/log/tile/{level}/{number}": {"get": tile},
    }


def _list_paths() -> dict[str, Any]:
    name = _path_parameter("name", "A list of the policy pack.")
    value = _path_parameter("value", "The listed value.")
    after = {
        "name": "after",
        "in": "query",
        "required": False,
        "description": "Show entries behind this value: the `next_after` of the page before.",
        "schema": {"type": "string"},
    }
    some = _refusals("401", "403", "404", "429")
    changed = _refusals("401", "403", "404", "413", "422", "429", "503")
    return {
        "/v1/lists": {"get": _operation("list_lists", "lists", "Name the lists", _object(), some)},
        "/v1/lists/{name}": {
            "parameters": [name],
            "get": {
                **_operation("list_entries", "lists", "Show entries", _object(), some),
                "parameters": [after],
            },
        },
        "/v1/lists/{name}/entries": {
            "parameters": [name],
            "post": {
                "operationId": "add_list_entry",
                "tags": ["lists"],
                "summary": "Add an entry",
                "requestBody": _json_body("NewEntry", {"value": "tok_9", "note": "chargeback"}),
                "responses": {"201": _json_answer("Recorded"), **changed},
            },
        },
        "/v1/lists/{name}/entries/{value}": {
            "parameters": [name, value],
            "delete": _operation(
                "remove_list_entry", "lists", "Remove an entry", _json_answer("Recorded"), changed
            ),
        },
    }


def _policy_paths() -> dict[str, Any]:
    """The life of policy packs. Who takes a step is the person the key belongs to."""
    hash = _path_parameter("hash", "The content hash of a pack, or its first digits.")
    step = _path_parameter("step", "The step: " + ", ".join(STEPS) + ".")
    step["schema"] = {"enum": list(STEPS)}
    refused = _refusals("401", "403", "408", "413", "422", "429", "503") | _refusal(
        "409", "The pack cannot take this step; the detail says which comes next."
    )
    unknown = _refusal("404", "No such pack, step or rule.")
    why = {
        "name": "why", "in": "query", "required": False, "description": "Why; it stands in the log.",
        "schema": {"type": "string", "maxLength": 500},
    }  # fmt: skip
    propose = _operation("propose_pack", "policy", "Propose a pack", _object(), refused)
    propose["parameters"] = [why]
    propose["responses"]["201"] = propose["responses"].pop("200")
    propose["requestBody"] = {
        "required": True,
        "description": "The pack's files as a plain tar.",
        "content": {"application/x-tar": {}},
    }
    take = _operation(
        "take_step", "policy", "Have a pack take a step", _object(), refused | unknown
    )
    take["requestBody"] = _json_body("PolicyAsk", {"why": "fewer false alarms"})
    back = _operation("roll_back", "policy", "Have the pack before come back", _object(), refused)
    back["requestBody"] = _json_body("PolicyAsk", {"why": "refuses too much"})
    release = _operation(
        "release_rule",
        "policy",
        "Let a rule go that the governor holds",
        _object(),
        refused | unknown,
    )
    release["requestBody"] = _json_body(
        "ReleaseAsk", {"rule": "card_testing", "event_type": "payment.attempted", "outcome": "deny"}
    )
    some = _refusals("401", "403", "429")
    scopes = {
        "policy:propose": (propose,), "policy:approve": (back, release),
    }  # fmt: skip
    for scope, operations in scopes.items():
        for operation in operations:
            operation["description"] = f"Needs the scope `{scope}`."
    take["description"] = (
        "Needs the scope `policy:propose`; to approve and to activate, `policy:approve`."
    )
    seen = _operation("show_packs", "policy", "Show all packs", _object(), some)
    one = _operation("show_pack", "policy", "Show a pack with its steps", _object(), some | unknown)
    for operation in (seen, one):
        operation["description"] = "Needs the scope `policy:read`."
    return {
        "/v1/policy": {"get": seen},
        "/v1/policy/packs": {"post": propose},
        "/v1/policy/packs/{hash}": {"parameters": [hash], "get": one},
        "/v1/policy/packs/{hash}/{step}": {"parameters": [hash, step], "post": take},
        "/v1/policy/rollback": {"post": back},
        "/v1/policy/release": {"post": release},
    }


def _step_up_paths() -> dict[str, Any]:
    """Factors of buyers, and asking them. All of it needs one scope."""
    paths: dict[str, Any] = {}
    for one in OPERATIONS:
        refusals = _refusals(*one.refusals)
        operation = _operation(one.name, "step-up", one.text, _object(), refusals)
        operation["description"] = "Needs the scope `step_up`."
        if one.made:
            operation["responses"]["201"] = operation["responses"].pop("200")
        if one.body is not None:
            operation["requestBody"] = _json_body(one.body.__name__, one.example)
        item = paths.setdefault(one.path, {})
        named = [name for name in PARAMETERS if f"{{{name}}}" in one.path]
        if named:
            item["parameters"] = [_path_parameter(name, PARAMETERS[name]) for name in named]
        item[one.method] = operation
    return paths


def _hook_paths() -> dict[str, Any]:
    taken = {
        "description": "Durable; the body is what the provider expects (WeChat Pay: 204, none)."
    }
    refusals = {
        "400": {"description": "Signed, but not readable."},
        "401": {"description": "Not signed by the source, too old, or of another account."},
        **_refusals("404", "408", "413", "415", "429", "503"),
    }
    operation = _operation(
        "receiveNotice", "notices", "Take in a notice of a payment provider or shop system",
        taken, refusals,
    )  # fmt: skip
    operation["description"] = (
        "Signed by the provider; no key. Refusals are problems, but for Alipay (`failure`) and WeChat "
        "Pay (`code` and `message`)."
    )
    operation["security"] = []
    operation["parameters"] = [_path_parameter("source", "The name of the source.")]
    operation["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
        },
    }
    operation["responses"]["204"] = taken
    return {"/v1/hooks/{source}": {"post": operation}}


def _operation_paths() -> dict[str, Any]:
    text = _file("text/plain", "Prometheus text format.")
    health = _operation("healthz", "operation", "Does the process run?", _object(), {})
    ready = _operation(
        "readyz", "operation", "Would an event be taken?", _object(), _refusals("503")
    )
    itself = _operation("openapi", "operation", "This document", _object(), {})
    metrics = _operation("metrics", "operation", "Metrics", text, _refusals("401", "403"))
    for operation in (health, ready, itself):
        operation["security"] = []
    return {
        "/healthz": {"get": health},
        "/readyz": {"get": ready},
        "/metrics": {"get": metrics},
        "/openapi.json": {"get": itself},
    }


def _operation(
    name: str, tag: str, summary: str, answer: dict[str, Any], refusals: dict[str, Any]
) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "responses": {"200": answer, **refusals},
    }


def _json_body(schema: str, example: Mapping[str, Any]) -> dict[str, Any]:
    content = {"schema": {"$ref": _REF.format(name=schema)}, "example": example}
    return {"required": True, "content": {"application/json": content}}


def _json_answer(schema: str, repeated: bool = False) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": f"A {schema}, durable.",
        "content": {"application/json": {"schema": {"$ref": _REF.format(name=schema)}}},
    }
    if repeated:
        answer["headers"] = {
            "Kanhe-Repeated": {
                "description": "Present when the event had been answered before.",
                "schema": {"const": "true"},
            }
        }
    return answer


def _file(media_type: str, text: str) -> dict[str, Any]:
    # In OpenAPI 3.1, bytes that are no text are a media type without a schema.
    schema = {"schema": {"type": "string"}} if media_type.startswith("text/") else {}
    return {"description": text, "content": {media_type: schema}}


def _object() -> dict[str, Any]:
    return {"description": "OK", "content": {"application/json": {"schema": {"type": "object"}}}}


def _refusals(*statuses: str) -> dict[str, Any]:
    texts = {**_REFUSALS, "404": "Not there, or not this tenant's.", "409": "Not as things stand."}
    parts = [_refusal(status, texts[status]) for status in (statuses or _REFUSALS)]
    return {status: told for part in parts for status, told in part.items()}


def _refusal(status: str, text: str) -> dict[str, Any]:
    content = {PROBLEM_MEDIA_TYPE: {"schema": _PROBLEM_REF}}
    return {status: {"description": text, "content": content}}


def _path_parameter(name: str, text: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": text,
        "schema": {"type": "string"},
    }
