"""The guides for shops, followed by a newcomer: their shops run, sell, refuse a test card, and go on
selling without Kanhe."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import DOCS, blocks, text_of

GUIDES = DOCS / "connect"


def _file(page: str, name: str) -> str:
    """The block of a guide that begins with the name of its file."""
    for block in blocks(text_of(GUIDES / page)):
        first, _, _ = block.text.partition("\n")
        if re.fullmatch(rf"(#|//|<\?php //) {re.escape(name)}(: .*)?", first):
            return block.text
    raise AssertionError(f"{page} shows no {name}")


def _unhurried(text: str) -> str:
    """A shop that waits longer for Kanhe, because a machine that runs tests may be slow."""
    for hurried, unhurried in (
        ("    fallback={", "    timeout=20, fallback={"),
        ("body, 300)", "body, 20_000)"),
        ("$body, 300)", "$body, 20_000)"),
    ):
        text = text.replace(hurried, unhurried)
    return text


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _environment(kanhe_url: str, **more: str) -> dict[str, str]:
    # As in the shell of whoever follows the guide: nothing of another test's shop.
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SHOP_", "DJANGO_"))}
    return {**clean, "SHOP_KANHE_URL": kanhe_url, "SHOP_KANHE_KEY": "kanhe_a_b", **more}


@contextmanager
def _shop(folder: Path, kanhe_url: str, command: list[str], port: int) -> Iterator[httpx.Client]:
    """A shop as its guide starts it, from the moment it listens."""
    process = subprocess.Popen(
        command, cwd=folder, env=_environment(kanhe_url, PORT=str(port)),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            for _ in range(600):
                try:
                    client.get("/")
                    break
                except httpx.TransportError:
                    if process.poll() is not None:
                        break
                    time.sleep(0.05)
            yield client
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=20)
        shown = said.decode()
        assert "Traceback" not in shown, shown


def _pay(shop: httpx.Client, device: str, attempt: str, card: str, amount_minor: int) -> str:
    form = {
        "attempt": attempt, "order": f"o-{device}", "card": card, "amount_minor": str(amount_minor),
    }  # fmt: skip
    return shop.post("/pay", data=form, headers={"cookie": f"device={device}"}).text


def _shown_answers() -> str:
    """What the guide says that the six test cards are answered."""
    return next(
        block.text for block in blocks(text_of(GUIDES / "flask-fastapi.md")) if block.info == "text"
    )


def _flask(port: int) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "shop", "run", "--port", str(port)]


def _fastapi(port: int) -> list[str]:
    return [sys.executable, "-m", "uvicorn", "shop_async:app", "--port", str(port)]


SHOPS = [
    pytest.param("flask-fastapi.md", "shop.py", _flask, id="flask"),
    pytest.param("flask-fastapi.md", "shop_async.py", _fastapi, id="fastapi"),
]


@pytest.mark.parametrize(("page", "name", "command"), SHOPS)
def test_the_shop_of_a_guide_refuses_a_test_card(
    page: str, name: str, command: object, kanhe_url: str, tmp_path: Path
) -> None:
    """An honest buyer pays; of six test cards on one device, the answers are those the guide shows."""
    assert callable(command)
    (tmp_path / name).write_text(_unhurried(_file(page, name)), "utf-8")
    port, me = _free_port(), name.partition(".")[0]
    with _shop(tmp_path, kanhe_url, command(port), port) as shop:
        assert _pay(shop, f"honest-{me}", f"h-{me}", "tok_good", 4990) == "Thank you.\n"
        answers = ""
        for number in range(1, 7):
            card = f"tok_declined_{me}_{number}"
            answers += _pay(shop, f"tester-{me}", f"t{number}-{me}", card, 100)
            time.sleep(0.15)  # faster than anybody types; the decline is told in the background
        assert answers == _shown_answers()


def _django(folder: Path, kanhe_url: str) -> None:
    """A project made as the guide says, up to its migrations."""
    _manage(folder, kanhe_url, "startproject myshop .", "startapp pay")
    with (folder / "myshop" / "settings.py").open("a") as settings:
        settings.write(_file("django.md", "myshop/settings.py, at the end"))
    for name in ("risk", "apps", "models", "views"):
        text = _unhurried(_file("django.md", f"pay/{name}.py"))
        (folder / "pay" / f"{name}.py").write_text(text, "utf-8")
    (folder / "myshop" / "urls.py").write_text(_file("django.md", "myshop/urls.py"), "utf-8")
    account = "createsuperuser --noinput --username mei --email mei@example.com"
    _manage(folder, kanhe_url, "makemigrations pay", "migrate", account)


def _manage(folder: Path, kanhe_url: str, *commands: str) -> None:
    """Commands of django-admin or manage.py, in one process because each start takes a second."""
    code = (
        "import os, sys; sys.path.insert(0, '.');"
        "from django.core.management import execute_from_command_line as run;"
        "os.path.exists('manage.py') and os.environ.update(DJANGO_SETTINGS_MODULE='myshop.settings');"
        "[run(['manage.py', *command.split()]) for command in sys.argv[1:]]"
    )
    subprocess.run(
        [sys.executable, "-c", code, *commands], cwd=folder, check=True, capture_output=True,
        env={**_environment(kanhe_url), "DJANGO_SUPERUSER_PASSWORD": "right horse"},
    )  # fmt: skip


@pytest.mark.parametrize("tool", ["node", "php"])
def test_shops_in_other_languages_do_the_same(tool: str, kanhe_url: str, tmp_path: Path) -> None:
    """The shops in Node and PHP answer the test cards as the others do, and go on without Kanhe: what
    waits then is sent later and counts once."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    if tool == "php" and b"curl" not in subprocess.check_output(["php", "-m"]):
        pytest.skip("PHP has no curl here")
    end, port = {"node": "mjs", "php": "php"}[tool], _free_port()
    for name in ("kanhe", "shop"):
        text = _unhurried(_file("http.md", f"{name}.{end}"))
        (tmp_path / f"{name}.{end}").write_text(text, "utf-8")
    command = {
        "node": ["node", "shop.mjs"],
        "php": ["php", "-d", "display_errors=1", "-S", f"127.0.0.1:{port}", "shop.php"],
    }[tool]
    before = _told(kanhe_url, "payment.authorized")
    with _shop(tmp_path, f"http://127.0.0.1:{_free_port()}", command, port) as shop:
        away = _pay(shop, f"honest-{tool}", f"away-{tool}", "tok_good", 4990)
        assert away == "Please confirm this payment first.\n"
    with _shop(tmp_path, kanhe_url, command, port) as shop:
        assert _pay(shop, f"honest-{tool}", f"h-{tool}", "tok_good", 4990) == "Thank you.\n"
        answers = ""
        for number in range(1, 7):
            card = f"tok_declined_{tool}_{number}"
            answers += _pay(shop, f"tester-{tool}", f"t{number}-{tool}", card, 100)
            time.sleep(0.4)  # the shop in Node sends its outbox four times a second
        assert answers == _shown_answers()
    assert _told(kanhe_url, "payment.authorized") - before == 1
    again = {
        "type": "payment.attempted", "id": f"pay-away-{tool}", "at_ms": time.time_ns() // 10**6,
        "device": "d", "amount_minor": 1, "currency": "EUR",
    }  # fmt: skip
    answer = httpx.post(f"{kanhe_url}/v1/decisions", json=again)
    assert answer.json()["recorded"] is True


def test_the_guides_six_cards_by_curl(kanhe_url: str, tmp_path: Path) -> None:
    """The script with curl shows what the guide says: three allowed, then challenged, then denied."""
    (script,) = [
        block.text
        for block in blocks(text_of(GUIDES / "http.md"))
        if block.info == "sh" and "pay()" in block.text
    ]
    script = script.replace("http://127.0.0.1:8080", kanhe_url)
    script = script.replace("tok_", "tok_curl_").replace("--max-time 0.3", "--max-time 10")
    done = subprocess.run(
        ["bash", "-eu", "-c", script.replace("kanhe_…", "kanhe_a_b")], cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answers = [json.loads(line)["outcome"] for line in done.stdout.splitlines() if line]
    assert answers[:4] == ["allow", "allow", "allow", "challenge"]
    assert answers[5] == "deny"


def _told(kanhe_url: str, event_type: str) -> int:
    """How many events of a type Kanhe has."""
    lines = httpx.get(f"{kanhe_url}/metrics").text.splitlines()
    counts = [one for one in lines if one.startswith("kanhe_events_total") and event_type in one]
    return sum(int(float(one.split()[-1])) for one in counts)


def _sign_in(shop: httpx.Client, password: str) -> int:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', shop.get("/login").text)
    assert found
    form = {"csrfmiddlewaretoken": found[1], "username": "mei", "password": password}
    return shop.post("/login", data=form).status_code


def test_the_django_shop_refuses_a_test_card(kanhe_url: str, tmp_path: Path) -> None:
    """The project of the guide sells, tells of the order once it is committed, tells of a wrong password,
    lets a right one in, and refuses the fourth test card."""
    _django(tmp_path, kanhe_url)
    port = _free_port()
    command = [sys.executable, "manage.py", "runserver", "--noreload", str(port)]
    before = _told(kanhe_url, "order.placed")
    with _shop(tmp_path, kanhe_url, command, port) as shop:
        for _ in range(2):  # the button is pressed twice
            assert _pay(shop, "honest-dj", "h-dj", "tok_good", 4990) == "Thank you.\n"
        answers = ""
        for number in range(1, 7):
            answers += _pay(shop, "tester-dj", f"t{number}-dj", f"tok_declined_dj_{number}", 100)
            time.sleep(0.15)
        assert answers == _shown_answers()
        assert _sign_in(shop, "wrong") == 200
        assert _sign_in(shop, "right horse") == 302
        assert _told(kanhe_url, 'account.login"') == 1
        until = time.monotonic() + 5
        while not _told(kanhe_url, "account.login_failed") and time.monotonic() < until:
            time.sleep(0.05)
    assert _told(kanhe_url, "account.login_failed") == 1
    assert _told(kanhe_url, "order.placed") - before == 1


def test_the_shop_of_the_guide_goes_on_without_kanhe(tmp_path: Path) -> None:
    """Where no Kanhe answers, the declared answer is given, and the events wait in the file."""
    (tmp_path / "shop.py").write_text(_file("flask-fastapi.md", "shop.py"), "utf-8")
    port = _free_port()
    with _shop(tmp_path, f"http://127.0.0.1:{_free_port()}", _flask(port), port) as shop:
        answer = _pay(shop, "honest", "h1", "tok_good", 4990)
        assert answer == "Please confirm this payment first.\n"
    assert (tmp_path / "kanhe-queue.db").exists()
