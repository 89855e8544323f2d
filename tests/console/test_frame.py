"""The frame: who comes in, what is taken, and what an answer may do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kanhe.app.judge_link import JudgeDownError
from kanhe.core.errors import KanheError, StorageError, refuse
from kanhe.serve.console import forgery
from kanhe.serve.console.frame import (
    OPEN,
    form,
    go,
    not_found,
    page,
    refused,
    render,
    safe_path,
    toast,
    visitor,
)
from kanhe.serve.console.guard import POLICY
from tests.console.doors import ORIGIN, SAME, Door, TestClient, come_in, console, person


def _said(request: Request) -> Response:
    return PlainTextResponse(f"{visitor(request).actor.name}: {form(request).get('text', '')}")


def _raises(error: Exception) -> Response:
    raise error


ROUTES = (
    page("/t/read", lambda r: PlainTextResponse("read"), "cases.work", name="t-read"),
    page("/t/any", _said, None, name="t-any"),
    page("/t/say", _said, "cases.work", methods=("POST",), name="t-say"),
    page("/t/open", lambda r: PlainTextResponse("taken"), OPEN, methods=("POST",), name="t-open"),
    page("/t/page", lambda r: render(r, "problem.html", status_code=7, title="<b>&", text="", request_id=""), OPEN),
    page("/t/gone", lambda r: _raises(not_found()), OPEN),
    page("/t/fault", lambda r: _raises(RuntimeError("card 4111111111111111")), OPEN),
    page("/t/store", lambda r: _raises(StorageError("the disk is full")), OPEN),
    page("/t/refused", lambda r: _raises(KanheError("no such <currency>")), OPEN),
    page("/t/down", lambda r: _raises(JudgeDownError("nothing judges at 10.0.0.7")), OPEN),
    page("/t/taken", lambda r: _raises(refuse("id-taken", "Taken", 409, "the id is another's")), OPEN),
    page("/t/template", lambda r: render(r, "problem.html"), OPEN),
    page("/t/go", lambda r: go(r, "/t/page", "Done <i>"), None, methods=("POST",)),
    page("/t/toast", lambda r: toast(r, PlainTextResponse("x"), "已保存"), None),
    page(
        "/t/form",
        lambda r: refused(r, "problem.html", {"a": "wrong"}, status_code=1, title="t", text="", request_id=""),
        OPEN,
    ),
)  # fmt: skip
HTMX = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture
def door() -> Door:
    return Door(
        lin=person("Lin Yue", "cases.work"), wang=person("Wang 伟", time_zone="Asia/Shanghai")
    )


@pytest.fixture(scope="module")
def _console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Door]]:
    door = Door()
    with console(tmp_path_factory.mktemp("console"), door, ROUTES) as client:
        yield client, door


@pytest.fixture
def client(_console: tuple[TestClient, Door], door: Door) -> TestClient:
    client, behind = _console
    client.cookies.clear()
    behind.people = door.people
    return client


def test_nobody_comes_in_without_a_session(client: TestClient) -> None:
    """A page leads whoever is not signed in to the sign-in, and back afterwards."""
    answer = client.get("/t/read?q=a b")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Ft%2Fread%3Fq%3Da%2520b"
    assert client.get("/t/any", headers=HTMX).headers["hx-redirect"].startswith("/sign-in")
    client.cookies.set("kanhe_session", "not a session")
    assert client.get("/t/any").status_code == 303


def test_a_permission_is_needed(client: TestClient) -> None:
    """Who lacks the permission of a page gets 403 and no part of it."""
    come_in(client, "wang")
    assert client.get("/t/any").status_code == 200
    answer = client.get("/t/read")
    assert answer.status_code == 403
    assert "read" not in answer.text.partition("<main")[2].partition("</main>")[0].split()
    come_in(client, "lin")
    assert client.get("/t/read").text == "read"


def test_a_form_is_taken_once_all_fits(client: TestClient) -> None:
    """A POST from these pages with the session's token reaches its handler, Unicode and all."""
    sent = come_in(client, "lin") | {"text": "雪 <script>"}
    answer = client.post("/t/say", data=sent, headers=SAME)
    assert (answer.status_code, answer.text) == (200, "Lin Yue: 雪 <script>")
    by_header = {**SAME, "x-csrf": sent["csrf"]}
    assert client.post("/t/say", data={"text": "b"}, headers=by_header).text == "Lin Yue: b"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {"origin": ORIGIN, "sec-fetch-site": "same-site"},
        {"origin": "http://localhost:8082", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_form_from_elsewhere_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    """A POST that another site made, or that does not say where it comes from, does nothing."""
    answer = client.post("/t/say", data=come_in(client, "lin"), headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize("token", ["", "x", forgery.token_of("wang"), "令牌"])
def test_a_form_of_another_session_is_refused(client: TestClient, token: str) -> None:
    """Without the token of this very session a form is refused, wherever it came from."""
    come_in(client, "lin")
    assert client.post("/t/say", data={"csrf": token}, headers=SAME).status_code == 403
    assert client.post("/t/open", data={"csrf": token}, headers=SAME).status_code == 403


def test_a_form_before_anybody_signed_in_is_tied_to_the_browser(client: TestClient) -> None:
    """The sign-in form cannot be sent for somebody by another site: its token belongs to a cookie."""
    shown = client.get("/t/page")
    token = shown.text.partition('name="csrf" content="')[2].partition('"')[0]
    assert client.post("/t/open", data={"csrf": token}, headers=SAME).text == "taken"
    client.cookies.clear()
    assert client.post("/t/open", data={"csrf": token}, headers=SAME).status_code == 403


def test_pages_of_other_sites_cannot_read(client: TestClient) -> None:
    """A cookie does not serve another site's page: only links lead here from elsewhere."""
    come_in(client, "lin")
    elsewhere = {"sec-fetch-site": "cross-site"}
    link = {**elsewhere, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    image = {**elsewhere, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    frame = {**elsewhere, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    assert client.get("/t/read", headers=link).status_code == 200
    assert client.get("/t/read", headers=image).status_code == 403
    assert client.get("/t/read", headers=frame).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "localhost:8081.evil.example", "localhost", ""])
def test_other_names_are_not_ours(client: TestClient, host: str) -> None:
    """A request for another name is refused before anything is made of that name."""
    come_in(client, "lin")
    answer = client.get("/t/read", headers={"host": host})
    assert answer.status_code == 421
    assert "evil" not in answer.text
    assert client.get("/healthz", headers={"host": host}).text == "ok\n"


def test_a_body_is_bounded(client: TestClient) -> None:
    """A form that is too large is refused, whether it says how large it is or not."""
    sent = come_in(client, "lin")
    big = {**sent, "text": "x" * 300_000}
    assert client.post("/t/say", data=big, headers=SAME).status_code == 413

    def dribble() -> Iterator[bytes]:
        yield b"text="
        for _ in range(400):
            yield b"y" * 1_000

    headers = {**SAME, "content-type": "application/x-www-form-urlencoded", "x-csrf": sent["csrf"]}
    assert client.post("/t/say", content=dribble(), headers=headers).status_code == 413
    parts = {"text": (None, "z" * 300_000), "csrf": (None, sent["csrf"])}
    assert client.post("/t/say", files=parts, headers=SAME).status_code == 413
    broken = {**SAME, "content-type": "multipart/form-data; boundary=x", "x-csrf": sent["csrf"]}
    assert client.post("/t/say", content=b"--y\r\nnonsense", headers=broken).status_code == 422


def test_every_answer_says_what_it_may_do(client: TestClient) -> None:
    """Policy and headers stand on pages, problems, redirects and files alike."""
    for path in ("/t/page", "/t/gone", "/t/fault", "/t/read", "/healthz", "/nowhere"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == POLICY, path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert headers["x-request-id"]
    assert "unsafe" not in POLICY
    assert "*" not in POLICY


def test_what_goes_wrong_is_a_page(client: TestClient) -> None:
    """Each kind of problem has its status and its page, which tells nothing of the inside."""
    assert client.get("/t/gone").status_code == 404
    assert client.post("/t/page", headers=SAME).status_code == 405
    fault = client.get("/t/fault")
    assert fault.status_code == 500
    assert fault.headers["x-request-id"] in fault.text
    assert "4111" not in fault.text
    store = client.get("/t/store")
    assert (store.status_code, "disk" in store.text) == (503, False)
    down = client.get("/t/down")
    assert (down.status_code, "10.0.0.7" in down.text) == (503, False)
    taken = client.get("/t/taken")
    assert (taken.status_code, "the id is another&#39;s" in taken.text) == (409, True)
    assert client.get("/t/template").status_code == 500
    told = client.get("/t/refused")
    assert told.status_code == 422
    assert "no such &lt;currency&gt;" in told.text


def test_a_problem_is_a_message_for_htmx(client: TestClient) -> None:
    """Asked by htmx, a problem comes as a part that goes above the page that is there."""
    answer = client.get("/t/fault", headers=HTMX)
    assert answer.status_code == 500
    assert answer.headers["hx-retarget"] == "#problems"
    assert "<html" not in answer.text
    restored = client.get("/t/gone", headers={**HTMX, "hx-history-restore-request": "true"})
    assert "<html" in restored.text


def test_what_is_shown_is_escaped(client: TestClient) -> None:
    """Text becomes text, never markup."""
    assert "&lt;b&gt;&amp;" in client.get("/t/page").text
    sent = come_in(client, "lin")
    answer = client.post("/t/go", data=sent, headers=SAME)
    assert (answer.status_code, answer.headers["location"]) == (303, "/t/page")
    assert "Done &lt;i&gt;" in client.get("/t/page").text
    assert "Done" not in client.get("/t/page").text


def test_messages_reach_htmx_in_any_language(client: TestClient) -> None:
    """A toast travels in a header that holds ASCII only."""
    come_in(client, "lin")
    header = client.get("/t/toast", headers=HTMX).headers["hx-trigger"]
    assert header == '{"toast": {"value": "\\u5df2\\u4fdd\\u5b58"}}'


def test_the_language_is_the_browsers_until_somebody_chooses(
    client: TestClient, door: Door
) -> None:
    """Accept-Language decides first, then the choice made here, then the person's own."""
    asks = {"accept-language": "fr, zh-TW;q=0.9, en;q=0.8"}
    assert '<html lang="zh-CN"' in client.get("/t/page", headers=asks).text
    assert '<html lang="en"' in client.get("/t/page").text
    sent = come_in(client, "lin") | {"language": "zh_CN", "theme": "dark", "next": "/t/page"}
    assert client.post("/preferences", data=sent, headers=SAME).headers["location"] == "/t/page"
    shown = client.get("/t/page").text
    assert '<html lang="zh-CN" data-theme="dark"' in shown
    assert (door.people["lin"].language, door.people["lin"].theme) == ("zh_CN", "dark")
    client.post("/preferences", data=sent | {"theme": "<x>", "language": "xx"}, headers=SAME)
    assert door.people["lin"].theme == "dark"


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "", "/a\nb", "/" + "a" * 3_000],
)  # fmt: skip
def test_nothing_leads_to_another_site(path: str) -> None:
    """Where a form says to go on is a path of this console, or the first page."""
    assert safe_path(path) == "/"
    assert safe_path("/queue?q=a&b=//c") == "/queue?q=a&b=//c"


def test_a_fault_is_told_without_what_people_wrote(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the number of the request and where the fault was, and no text of the error."""
    answer = client.get("/t/fault")
    record = next(r for r in caplog.records if r.message == "console.fault")
    assert vars(record)["request"] == answer.headers["x-request-id"]
    assert vars(record)["kind"] == "RuntimeError"
    assert "4111" not in str({k: v for k, v in vars(record).items() if not k.startswith("exc_")})


def test_reports_of_the_policy_are_taken_from_anybody_within_bounds(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A violation is told by directive and path; what is no report is passed over, a long one refused."""
    report = b'{"csp-report": {"effective-directive": "script-src", "document-uri": "http://x/q?card=1"}}'
    assert client.post("/csp", content=report).status_code == 204
    told = next(r for r in caplog.records if r.message == "console.policy_violated")
    assert (vars(told)["directive"], vars(told)["page"]) == ("script-src", "/q")
    for nonsense in (b"", b"\xff", b"[]", b'{"csp-report": 3}', b"{" * 3_000):
        assert client.post("/csp", content=nonsense).status_code == 204
    assert client.post("/csp", content=b"x" * 20_000).status_code == 413


def test_files_are_kept_by_browsers_and_nothing_else_is_found(client: TestClient) -> None:
    """A static file has an address of its own per release; paths cannot leave the folder."""
    address = client.get("/t/page").text.partition('stylesheet" href="')[2].partition('"')[0]
    sheet = client.get(address)
    assert "immutable" in sheet.headers["cache-control"]
    assert "--ground" in sheet.text
    version = address.split("/")[2]
    for name in ("../frame.py", "..%2fframe.py", "%2e%2e/frame.py", "styles/10-tokens.css", ""):
        assert client.get(f"/static/{version}/{name}").status_code == 404
    assert client.get("/static/older/js/main.js").headers["cache-control"] == "no-store"
