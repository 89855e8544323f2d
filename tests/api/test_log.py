"""Receipts, the files of the log, and what is done beside the events."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from kanhe.core.errors import StorageError
from kanhe.core.settings import Settings
from kanhe.record.log.proof import MEDIA_TYPE
from kanhe.record.log.tiles import ENTRIES, Tile
from kanhe.serve import listening
from kanhe.serve.api.access import Gate
from kanhe.serve.api.application import Application
from tests.api.conftest import OTHER, TOKEN, Running, event
from tests.api.fake_engine import FakeEngine

EVIDENCE = "kanhe_cccc"
NOTE = b"kanhe.example/log\n1\nAAAA\n"
TILE = bytes(range(32))
FILES = {
    "checkpoint": NOTE,
    "tile/0/000.p/1": TILE,
    "tile/0/x001/067": TILE * 256,
    "tile/0/x001/067.p/112": TILE * 112,
    "tile/63/x001/x234/067.p/255": TILE,
    "tile/entries/000.p/1": b"\x00\x01e",
    "tile/entries/x001/067": b"\x00\x01e" * 256,
}
STRICT = re.compile(
    r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/(x[0-9]{3}/)*[0-9]{3}(\.p/[1-9][0-9]{0,2})?"
)
HOSTILE = (
    "", "/", "checkpoint/", "checkpoint.bak", "Checkpoint", "CHECKPOINT", "checkpoint%0A", "check%70oint",
    "checkpoint%00", "checkpoint;x", "checkpoint%20", "%63heckpoint", "./checkpoint", "/checkpoint",
    "..", "../journal.db", "%2e%2e/journal.db", "..%2fjournal.db", "tile/../checkpoint",
    "tile/0/%2e%2e/%2e%2e/checkpoint", "tile/0/../../../../etc/passwd", "..%5c..%5cjournal.db",
    "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/000",
    "tile/0/x001", "tile/0/x001/x067", "tile/0/001/067", "tile/0//000", "tile//0/000", "/tile/0/000",
    "tile/0/000/", "tile/0/000?/../..", "tile/0/000%3F", "tile/0/000%00", "tile/0/000%0A", "tile/0/000%20",
    "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/01", "tile/0/000.p/256",
    "tile/0/000.p/1/1", "tile/0/000.P/1", "tile/0/000%2Ep/1", "tile/0/x001%2F067", "tile/00/000",
    "tile/64/000", "tile/-1/000", "tile/+1/000", "tile/Entries/000", "tile/ENTRIES/000", "TILE/0/000",
    "tile/0/X001/067", "tile/data/000", "tile/0/%D9%A0%D9%A0%D9%A0", "tile/0/" + "x001/" * 9_000 + "067",
    "tile/0/" + "x000/" * 5 + "000", "tile/0/" + "x999/" * 6 + "999", "log/checkpoint", "%FF%FE",
)  # fmt: skip


@pytest.fixture
def running(start: Callable[..., Running]) -> Running:
    """A server whose log has files, whose keys may not all do the same, and one decision."""
    running = start()
    return _prepared(running)


def _prepared(running: Running) -> Running:
    running.engine.files = dict(FILES)
    running.keys.add(EVIDENCE, "shop-a", ("read", "evidence"))
    with running.client() as client:
        assert client.post("/v1/decisions", json=event(1)).json()["decision_id"] == "d1"
    return running


# Receipts


def test_a_receipt_is_a_file_to_keep(running: Running) -> None:
    """A folded decision's receipt comes as a proof file with its name, and no cache keeps it."""
    running.engine.folded = 1
    with running.client() as client:
        answer = client.get("/v1/decisions/d1/receipt")
    assert (answer.status_code, answer.content) == (200, b"receipt 0 0\n")
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["content-disposition"] == 'attachment; filename="d1.tlog-proof"'
    assert answer.headers["cache-control"] == "no-store"


def test_a_receipt_has_to_be_waited_for(running: Running) -> None:
    """Until its entry is folded, a decision's receipt is promised, and said when to ask again."""
    with running.client() as client:
        answer = client.get("/v1/decisions/d1/receipt")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["type"] == "/problems/receipt-pending"
        assert answer.headers["cache-control"] == "no-store"
        running.engine.folded = 1
        assert client.get("/v1/decisions/d1/receipt").status_code == 200


def test_unknown_decisions_have_no_receipt(running: Running) -> None:
    """A handle that leads nowhere, or to another tenant's decision, is a 404 like any other."""
    running.engine.folded = 1
    with running.client() as client, running.client(OTHER) as other:
        theirs = other.get("/v1/decisions/d1/receipt")
        nowhere = client.get("/v1/decisions/d9/receipt")
    assert theirs.status_code == nowhere.status_code == 404
    assert theirs.content == nowhere.content
    assert theirs.json()["type"] == "/problems/not-found"


def test_another_tenant_does_not_learn_that_a_receipt_is_pending(running: Running) -> None:
    """What is not folded yet is as unknown to others as what never was."""
    with running.client(OTHER) as other:
        assert other.get("/v1/decisions/d1/receipt").status_code == 404


def test_the_event_is_opened_for_those_who_may_see_it(running: Running) -> None:
    """Opening the event needs a scope of its own; without it not even the receipt is made."""
    running.engine.folded = 1
    with running.client() as client, running.client(EVIDENCE) as evidence:
        refused = client.get("/v1/decisions/d1/receipt", params={"event": "true"})
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/scope-missing")
        assert "evidence" in refused.json()["detail"]
        assert running.engine.receipts_asked == []
        for given_, opened in (("true", b"receipt 0 1\n"), ("false", b"receipt 0 0\n")):
            answer = evidence.get("/v1/decisions/d1/receipt", params={"event": given_})
            assert answer.content == opened


@pytest.mark.parametrize("token", [None, "kanhe_record", "kanhe_only_evidence"])
def test_receipts_and_files_need_the_scope_to_read(running: Running, token: str | None) -> None:
    """Neither a key that only records, nor the scope for events alone, nor nobody gets either."""
    running.keys.add("kanhe_record", "shop-a", ("record",))
    running.keys.add("kanhe_only_evidence", "shop-a", ("evidence",))
    with running.client(token) as client:
        for path in (
            "/v1/decisions/d1/receipt?event=true",
            "/log/checkpoint",
            "/log/tile/0/000.p/1",
        ):
            assert client.get(path).status_code == (403 if token else 401)
    assert running.engine.receipts_asked == running.engine.files_asked == []


def test_an_unclear_wish_is_refused(running: Running) -> None:
    """Whether the event is opened is said plainly, or the request is refused."""
    running.engine.folded = 1
    with running.client(EVIDENCE) as client:
        for query in ("event=1", "event=True", "event=", "event=true&event=false", "event"):
            answer = client.get(f"/v1/decisions/d1/receipt?{query}")
            assert (answer.status_code, answer.json()["type"]) == (400, "/problems/request-invalid")


def test_a_strange_handle_is_not_asked_about(running: Running) -> None:
    """What could not be the name of a file never comes into a header, nor to the engine."""
    running.engine.folded = 1
    with running.client() as client:
        for handle in (
            "d1%22",
            'd1","event_id":"e1',
            "%0D%0Ax:y",
            "%E5%8B%98",
            "d" * 65,
            "d1.",
            "%20d1",
        ):
            assert client.get(f"/v1/decisions/{handle}/receipt").status_code == 404
    assert running.engine.receipts_asked == []


def test_only_reading_is_allowed(running: Running) -> None:
    """HEAD answers as GET without the body; nothing can be sent to the log."""
    running.engine.folded = 1
    with running.client() as client:
        for path in ("/v1/decisions/d1/receipt", *(f"/log/{name}" for name in FILES)):
            whole, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            for name in ("content-type", "content-length", "cache-control"):
                assert head.headers[name] == whole.headers[name]
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                answer = client.request(method, path, content=b"x")
                assert answer.status_code == 405
                assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_reading_is_charged_to_the_rate(running: Running) -> None:
    """Receipts, ready or pending, and files of the log use up the same rate as other reads."""
    paths = ("/v1/decisions/d1/receipt", "/v1/decisions/d9/receipt", "/log/checkpoint", "/log/x")
    for number, path in enumerate(paths):
        token = f"kanhe_{number:04}"
        running.keys.add(token, "shop-a", ("read",), rate_per_s=0.01, burst=2)
        with running.client(token) as client:
            allowed = [client.get(path).status_code for _ in range(2)]
            refused = client.get(path)
        assert 429 not in allowed
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 1


# Files


def test_files_are_served_as_the_standard_says(running: Running) -> None:
    """Each file has its content, its media type, and stays in caches as long as it is true."""
    with running.client() as client:
        answers = {name: client.get(f"/log/{name}") for name in FILES}
    assert {name: answer.content for name, answer in answers.items()} == FILES
    assert running.engine.files_asked == list(FILES)
    checkpoint = answers.pop("checkpoint").headers
    assert checkpoint["content-type"] == "text/plain; charset=utf-8"
    assert checkpoint["cache-control"] == "no-cache"
    for answer in answers.values():
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"


@pytest.mark.parametrize("settings", [{"log_public": True}, {"with_keys": False}])
def test_a_public_log_is_for_everybody(
    start: Callable[..., Running], settings: dict[str, Any]
) -> None:
    """With `log_public`, or where no keys are asked for, the files need no key; any key is ignored."""
    running = start(**settings)
    running.engine.files = dict(FILES)
    for token in (None, "kanhe_nobodys", TOKEN):
        with running.client(token) as client:
            assert client.get("/log/checkpoint").content == NOTE
            answer = client.get("/log/tile/entries/000.p/1")
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert client.get("/log/tile/0/999").status_code == 404


def test_a_public_log_opens_no_receipts(start: Callable[..., Running]) -> None:
    """A receipt belongs to a tenant, however public the log is."""
    running = _prepared(start(log_public=True))
    running.engine.folded = 1
    with running.client(None) as client:
        assert client.get("/v1/decisions/d1/receipt").status_code == 401


def test_all_tenants_read_one_log(running: Running) -> None:
    """The files are the same, whoever asks."""
    with running.client() as client, running.client(OTHER) as other:
        for name in FILES:
            assert client.get(f"/log/{name}").content == other.get(f"/log/{name}").content


def test_a_file_that_is_not_there_is_not_remembered(running: Running) -> None:
    """A tile that will be published later is a 404 until then, which no cache may keep."""
    with running.client() as client:
        answer = client.get("/log/tile/0/005")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
        assert answer.headers["cache-control"] == "no-store"
        running.engine.files["tile/0/005"] = TILE * 256
        assert client.get("/log/tile/0/005").status_code == 200


def test_a_log_that_cannot_be_read_is_no_missing_file(running: Running) -> None:
    """Trouble of the storage is a 503 to come back after, not a 404 to believe."""
    running.engine.log_broken = True
    with running.client() as client:
        for path in ("/v1/decisions/d1/receipt", "/log/checkpoint", "/log/tile/0/000.p/1"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["type"] == "/problems/storage-unavailable"


def test_hostile_paths_reach_no_file(running: Running) -> None:
    """Over real connections, a path that is not the one true way is a refusal and no look-up."""
    for path in HOSTILE:
        assert (path[:80], _status_of(running, path)) in ((path[:80], 404), (path[:80], 400))
        # A query does not belong to the path: this one asks for a tile that is just not there.
        asked = [path.partition("?")[0]] if "?" in path else []
        assert running.engine.files_asked == asked, path[:80]
        running.engine.files_asked.clear()


def _status_of(running: Running, path: str) -> int:
    """What is answered to a path that no client would send as it stands."""
    head = f"Host: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as sock:
        sock.sendall(f"GET /log/{path} HTTP/1.1\r\n{head}".encode("latin-1"))
        return int(sock.makefile("rb").readline().split(b" ", 2)[1])


class _Told(NamedTuple):
    status: int
    asked: list[str]


class _Everything(FakeEngine):
    """An engine that finds a file under whatever path it is asked for."""

    def log_file(self, path: str) -> bytes | None:
        self.files_asked.append(path)
        return b"found"


def _get(sent: bytes, raw: bool = True) -> _Told:
    """Ask an application that would find anything, for a path as it stands in a request."""
    engine = _Everything()
    app = Application(engine, Settings(require_keys=False), Gate(None), lambda: b"{}")
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "headers": [], "query_string": b"",
        "path": unquote_to_bytes(sent).decode("utf-8", "replace"), **({"raw_path": sent} if raw else {}),
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    (status,) = statuses
    return _Told(status, engine.files_asked)


_TILES = st.builds(
    Tile, st.just(ENTRIES) | st.integers(0, 63), st.integers(0, 2**55 - 1), st.integers(1, 256)
)


@st.composite
def _nearly(draw: st.DrawFn) -> bytes:
    """A true path with some of its bytes taken out, put in or changed."""
    path = draw(_TILES.map(lambda tile: tile.path) | st.just("checkpoint")).encode()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(path)))
        put = draw(st.sampled_from([b"", b"/", b"..", b"%2e", b"%2F", b"%00", b"0", b"x", b"X", b".p/1", b"\x80"]))  # fmt: skip
        path = path[:at] + put + path[at + draw(st.integers(0, 2)) :]
    return path


@given(tile=_TILES)
def test_every_true_path_is_found(tile: Tile) -> None:
    """Whatever tile or bundle a log can have is asked for by its own path."""
    assert _get(b"/log/" + tile.path.encode()) == (200, [tile.path])
    assert _get(b"/log/" + tile.path.encode(), raw=False) == (200, [tile.path])


@given(path=st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | _nearly())
@example(path=b"\n")
@example(path=b"checkpoint\n")
def test_no_other_path_is_looked_up(path: bytes) -> None:
    """What is no path of the log never gets as far as a look-up, and never breaks anything."""
    told = _get(b"/log/" + path)
    text = path.decode("latin-1")
    if text == "checkpoint" or (STRICT.fullmatch(text) and told.asked):
        assert told == (200, [text])
    else:
        assert told == (404, [])


@given(path=st.binary(max_size=60) | _nearly())
@example(path=b"checkpoint\n")
def test_a_server_that_keeps_no_raw_path_is_as_strict(path: bytes) -> None:
    """Where only the decoded path is known, it has to be a true one as well."""
    told = _get(b"/log/" + path, raw=False)
    decoded = unquote_to_bytes(path).decode("utf-8", "replace")
    assert told in ((404, []), (200, [decoded]))
    assert decoded == "checkpoint" or STRICT.fullmatch(decoded) or told.status == 404


@given(prefix=st.sampled_from([b"/LOG/", b"/lo%67/", b"//log/", b"/log//", b"/./log/", b"/log%2f", b"/x/../log/"]))  # fmt: skip
def test_the_log_has_one_prefix(prefix: bytes) -> None:
    """However the prefix is disguised, nothing is looked up."""
    for name in FILES:
        assert _get(prefix + name.encode()) == (404, [])


# Metrics


def _metrics(client: httpx.Client) -> dict[str, float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {s.name: s.value for family in families for s in family.samples}


def test_metrics_tell_how_far_the_log_is(running: Running) -> None:
    """Entries, rows that wait and cosignatures are gauges; a log that is ahead has nothing waiting."""
    with running.client() as client:
        client.post("/v1/decisions", json=event(2))
        for folded, waiting in ((0, 2), (1, 1), (2, 0), (3, 0)):
            running.engine.folded = folded
            told = _metrics(client)
            assert (told["kanhe_log_size"], told["kanhe_log_waiting"]) == (folded, waiting)
    assert (told["kanhe_log_cosignatures"], told["kanhe_log_cosignatures_required"]) == (1, 2)


# What is done beside the events


@pytest.fixture
def quick_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick that comes a hundred times a second."""
    monkeypatch.setattr(listening, "TICK_S", 0.01)


def _ticks(engine: FakeEngine, number: int) -> None:
    """Wait for so many further ticks."""
    until, deadline = engine.tended + number, time.monotonic() + 10
    while engine.tended < until:
        assert time.monotonic() < deadline, "the tick has stopped"
        time.sleep(0.005)


@pytest.mark.usefixtures("quick_tick")
def test_trouble_beside_the_events_is_told_once_and_stops_nothing(
    start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    """The tick goes on whatever happens; the same trouble is logged again only after a change."""
    engine = start().engine
    _ticks(engine, 2)
    for trouble in ("the disk is full", "the disk is gone", "", "the disk is gone"):
        engine.trouble = StorageError(trouble) if trouble else None
        _ticks(engine, 4)
    told = [r for r in caplog.records if r.message == "serve.tend_failed"]
    assert [vars(r)["cause"] for r in told] == ["the disk is full", *["the disk is gone"] * 2]
    assert {r.levelno for r in told} == {logging.ERROR}


@pytest.mark.usefixtures("quick_tick")
def test_a_fault_beside_the_events_stops_nothing(
    start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of the program is logged by its place, without its message, and the tick goes on."""
    running = start()
    running.engine.trouble = RuntimeError("secret-card-4111")
    _ticks(running.engine, 4)
    (told,) = [r for r in caplog.records if r.message == "serve.tend_fault"]
    assert vars(told)["error"] == "RuntimeError"
    assert "fake_engine.py" in vars(told)["where"]
    assert "secret-card" not in caplog.text
    with running.client() as client:
        assert client.post("/v1/decisions", json=event(1)).status_code == 200
