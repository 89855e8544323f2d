"""Lists, metrics, and the application as plain ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
from prometheus_client.parser import text_string_to_metric_families

from kanhe.core.settings import Settings
from kanhe.serve.api.access import Bucket, Gate
from kanhe.serve.api.application import Application
from tests.api.conftest import OTHER, TOKEN, Running, event
from tests.api.fake_engine import FakeEngine, FakeKeys


def test_entries_are_added_shown_and_removed(running: Running) -> None:
    """A list entry is an event, belongs to its tenant, and is gone when removed."""
    with running.client() as client, running.client(OTHER) as other:
        assert [x["name"] for x in client.get("/v1/lists").json()["lists"]] == ["stolen_cards"]
        entry = {"value": "tok_9", "note": "chargeback", "expires_ms": 1_800_000_000_000}
        added = client.post("/v1/lists/stolen_cards/entries", json=entry)
        assert added.status_code == 201
        shown = client.get("/v1/lists/stolen_cards").json()["entries"]
        assert [(e["value"], e["reason"]) for e in shown] == [("tok_9", "chargeback")]
        assert shown[0]["author"].startswith("key:")
        assert other.get("/v1/lists/stolen_cards").json()["entries"] == []
        assert other.delete("/v1/lists/stolen_cards/entries/tok_9").status_code == 404
        assert client.delete("/v1/lists/stolen_cards/entries/tok_9").status_code == 200
        assert client.get("/v1/lists/stolen_cards").json()["entries"] == []
    assert len(running.engine.kept) == 2


def test_a_change_of_a_list_can_be_retried(running: Running) -> None:
    """With an id of the sender's own a repeated change is one event."""
    entry = {"value": "tok_9", "id": "change-1"}
    with running.client() as client:
        first = client.post("/v1/lists/stolen_cards/entries", json=entry)
        again = client.post("/v1/lists/stolen_cards/entries", json=entry)
    assert first.content == again.content
    assert len(running.engine.kept) == 1


def test_bad_entries_and_unknown_lists_are_problems(running: Running) -> None:
    """An unknown list is a 404 that names the known ones; a bad entry is a 422."""
    with running.client() as client:
        missing = client.post("/v1/lists/nowhere/entries", json={"value": "x"})
        assert missing.status_code == 404
        assert "stolen_cards" in missing.json()["detail"]
        for body in (b"", b"{", b'{"value":1}', b'{"value":"x","oops":1}', b"\xff"):
            answer = client.post("/v1/lists/stolen_cards/entries", content=body)
            assert answer.status_code == 422
            assert answer.json()["type"] == "/problems/entry-invalid"


def test_a_list_is_shown_in_pages(running: Running) -> None:
    """A long list comes in pages, each saying where the next begins."""
    with running.client() as client:
        body = b"".join(
            b'{"id":"l%d","type":"list.entry_added","at_ms":1,"list_name":"stolen_cards",'
            b'"value":"t%05d","staff":"s"}\n' % (n, n)
            for n in range(1_500)
        )
        client.post("/v1/events:batch", content=body)
        first = client.get("/v1/lists/stolen_cards").json()
        rest = client.get("/v1/lists/stolen_cards", params={"after": first["next_after"]}).json()
    assert len(first["entries"]) == 1_000
    assert len(rest["entries"]) == 500
    assert rest["next_after"] is None


def test_metrics_can_be_read_by_prometheus(running: Running) -> None:
    """Counts of decisions, refusals, groups and state stand in the text format."""
    with running.client() as client:
        client.post("/v1/decisions", json=event(1))
        client.post("/v1/decisions", json=event(1))
        client.post("/v1/events", json=event(2))
        client.post("/v1/decisions", content=b"{")
        answer = client.get("/metrics")
    samples = {
        (s.name, *sorted(s.labels.values())): s.value
        for family in text_string_to_metric_families(answer.text)
        for s in family.samples
    }
    assert samples["kanhe_events_total", "allow", "payment.attempted"] == 1
    assert samples["kanhe_events_total", "payment.attempted", "recorded"] == 1
    assert samples[("kanhe_repeated_total",)] == 1
    assert samples["kanhe_refused_total", "not-json"] == 1
    assert samples["kanhe_rules_fired_total", "quiet_rule"] == 2
    assert samples[("kanhe_decision_seconds_count",)] == 3
    assert samples["kanhe_commit_events_bucket", "+Inf"] == 3
    assert samples[("kanhe_journal_seq",)] == 2


def test_health_and_description_need_no_key(running: Running) -> None:
    """A load balancer and a curious reader need no token."""
    with running.client(None) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json() == {"status": "ready"}
        assert client.get("/openapi.json").json()["openapi"] == "3.1.0"
        assert client.head("/healthz").status_code == 200


def test_the_application_works_under_any_asgi_server() -> None:
    """Without the connection's shorter way every route answers the same."""
    engine, keys = FakeEngine(), FakeKeys()
    keys.add(TOKEN, "shop-a")
    app = Application(engine, Settings(), Gate(keys), lambda: b"{}")

    async def ask() -> list[int]:
        headers = {"authorization": f"Bearer {TOKEN}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://x", headers=headers
        ) as client:
            answers = [
                await client.post("/v1/decisions", json=event(1)),
                await client.post("/v1/decisions", json=event(1)),
                await client.post("/v1/decisions:batch", json=event(2)),
                await client.post("/v1/decisions", content=b"{"),
                await client.get("/v1/decisions/d1"),
                await client.get("/nowhere"),
                await client.put("/v1/decisions"),
            ]
            engine.disk_full = True
            answers.append(await client.post("/v1/decisions", json=event(3)))
        assert answers[1].headers["kanhe-repeated"] == "true"
        return [answer.status_code for answer in answers]

    assert asyncio.run(ask()) == [200, 200, 200, 400, 200, 404, 405, 503]


def test_a_bucket_fills_with_time() -> None:
    """What a bucket grants in the long run is its rate; a large group is owed, not refused."""
    now = [0.0]
    bucket = Bucket(10.0, 5, lambda: now[0])
    assert [bucket.take() for _ in range(5)] == [0.0] * 5
    assert bucket.take() > 0.0
    now[0] += 0.5
    assert bucket.take(100) == 0.0
    assert bucket.take() > 9.0
    now[0] += 10.1
    assert bucket.take(5) == 0.0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    """A bucket is not filled by a clock that jumps."""
    now = [100.0]
    bucket = Bucket(1.0, 1, lambda: now[0])
    assert bucket.take() == 0.0
    now[0] = 50.0
    assert bucket.take() > 0.0


def test_a_list_change_under_the_id_of_another_event_is_a_conflict(
    start: Callable[..., Running],
) -> None:
    """Answering with that event's decision would look like success while nothing is listed."""
    running = start()
    with running.client() as client:
        assert client.post("/v1/decisions", json=event("a1")).status_code == 200
        name = next(iter(running.engine.lists().specs))
        answer = client.post(f"/v1/lists/{name}/entries", json={"value": "u77", "id": "ea1"})
        assert answer.status_code == 409
        assert answer.json()["type"] == "/problems/id-taken"
