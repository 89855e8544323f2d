"""The queue and the case page over real HTTP, with many alerts open: `python -m bench.desk FOLDER ALERTS ROUNDS`.

A journal is judged under a small pack in which every payment is looked at, all its alerts are taken up
as beside a console, and then the console is served as a process of its own and asked by one visitor:
the queue by every order and filter in turn, deep pages included, and cases at random, each by its whole
page. What is told is the time from request to whole answer over a kept connection on this machine.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from bench.machine import cores, pinned
from kanhe.app import open_journal, open_kanhe
from kanhe.app.access import console_key
from kanhe.app.casework import open_casework
from kanhe.app.demo_desk import DemoDesk
from kanhe.app.staffing import open_staffing
from kanhe.core.settings import Settings
from kanhe.stores.desk.database import Desk

TENANT = "shop"
_GROUP = 256
_PACK = {
    "pack.toml": """
[pack]
name = "desk"
version = "1"
description_en = "Every payment is looked at."
description_zh = "每笔支付都需人工审核。"
[money]
base = "EUR"
[verdict]
challenge = 40
review = 70
deny = 100
""",
    "features.kanhe": """
card_payments_1h = count("payment.attempted", by="card", over="1h")
user_spent_24h = sum("payment.attempted", "amount_base", by="user", over="24h")
device_users_24h = distinct("payment.attempted", "user", by="device", over="24h", most=50)
""",
    "rules/all.kanhe": """
rule("looked_at", on="payment.attempted", when=amount_base > 0, outcome="review", points=70, en="Looked at: {card_payments_1h} payments with this card.", zh="人工审核：该卡 {card_payments_1h} 笔支付。", tags=["OAT-001"], owner="payments")
rule("large", on="payment.attempted", when=amount_base > 50000, points=40, en="A large amount: {user_spent_24h} in a day.", zh="大额支付：一天 {user_spent_24h}。", tags=["OAT-012"], owner="payments")
rule("shared", on="payment.attempted", when=device_users_24h >= 2, points=20, en="One device, {device_users_24h} accounts.", zh="同一设备，{device_users_24h} 个账号。", tags=["OAT-019"], owner="accounts")
""",
}
_QUEUES = (
    "/queue", "/queue?sort=due", "/queue?sort=opened", "/queue?q=severity:high", "/queue?q=rule:shared",
    "/queue?q=user:u-77", "/queue?q=amount%3E500", "/queue/mine", "/queue?page=40", "/queue?q=is:open",
)  # fmt: skip


def main() -> None:
    """Make the desk, serve it, measure, and print one line of JSON."""
    folder, alerts, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    settings = Settings(data_dir=str(folder / "data"), policy=str(_write_pack(folder / "pack")))
    begun = time.perf_counter()
    _judge(settings, alerts)
    judged = time.perf_counter()
    cases = _take_up(settings)
    taken = time.perf_counter()
    with (
        _console(settings, folder) as (process, url, link),
        httpx.Client(base_url=url, timeout=60) as visitor,
    ):
        _come_in(visitor, link)
        _settled(process)
        told = _measured(visitor, process, cases, rounds)
    told |= {"alerts": alerts, "cases": cases, "judged_s": round(judged - begun, 1),
             "taken_up_ms": round((taken - judged) * 1_000 / alerts, 2)}  # fmt: skip
    sys.stdout.write(json.dumps(told) + "\n")


def _write_pack(folder: Path) -> Path:
    for name, text in _PACK.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def _judge(settings: Settings, alerts: int) -> None:
    """Payments of the last day, most by somebody else each, some by the same people and devices."""
    dice = random.Random(7)
    start = time.time_ns() // 1_000_000 - 86_400_000
    step = 86_400_000 / alerts
    with open_kanhe(settings, lambda: time.time_ns() // 1_000_000) as kanhe:
        for number in range(alerts):
            person = dice.randrange(alerts)
            body = {
                "type": "payment.attempted", "id": f"p-{number}", "at_ms": round(start + number * step),
                "user": f"u-{person}", "card": f"c-{person}", "device": f"d-{dice.randrange(alerts)}",
                "ip": f"198.51.{person % 250}.{dice.randrange(250)}", "merchant": f"m-{person % 400}",
                "amount_minor": dice.randrange(500, 90_000), "currency": "EUR", "card_country": "DE",
            }  # fmt: skip
            kanhe.judge(TENANT, msgspec.json.encode(body))
            if number % _GROUP == _GROUP - 1:
                kanhe.commit()
        kanhe.commit()


def _take_up(settings: Settings) -> int:
    """All alerts as cases; gives how many cases that makes."""

    def clock() -> int:
        return time.time_ns() // 1_000_000

    folder = Path(settings.data_dir)
    desk = Desk(folder / "desk.db")
    staffing = open_staffing(settings, desk, clock)
    casework = open_casework(desk, clock, folder, staffing.colleagues, console_key(folder))
    with open_journal(settings) as journal:
        assert journal is not None
        while casework.take_up(journal):
            pass
    with desk.reading() as connection:
        cases = connection.exec_driver_sql(
            "SELECT count(*) FROM cases WHERE is_active"
        ).scalar_one()
    desk.close()
    return int(cases)


@contextmanager
def _console(settings: Settings, folder: Path) -> Iterator[tuple[int, str, str]]:
    """`kanhe console` on the second core, as beside a judge: its process, its address, and a link that
    signs in."""
    known = {"KANHE_DATA_DIR": settings.data_dir, "KANHE_POLICY": settings.policy}
    command = [str(Path(sys.executable).with_name("kanhe")), "console", "--port", "0"]
    with subprocess.Popen(
        pinned(command, cores()[-1]), stderr=subprocess.PIPE, text=True, cwd=folder,
        env=os.environ | known,
    ) as process:  # fmt: skip
        try:
            assert process.stderr is not None
            lines: list[str] = []
            for line in process.stderr:
                lines.append(line)
                if found := re.search(r"The console is at (http://\S+?)\. ", line):
                    break
            else:
                raise RuntimeError("".join(lines))
            port = found[1].rpartition(":")[2]
            desk = DemoDesk(
                msgspec.structs.replace(settings, console_port=int(port)),
                lambda: time.time_ns() // 1_000_000, 1,
            )  # fmt: skip
            link = desk.let_in("Bench")
            desk.close()
            yield process.pid, found[1], link
        finally:
            process.terminate()


def _come_in(visitor: httpx.Client, link: str) -> None:
    token = re.search(r'name="csrf" value="([^"]+)"', visitor.get(link).text)
    assert token is not None
    headers = {"sec-fetch-site": "same-origin", "origin": str(visitor.base_url).rstrip("/")}
    answer = visitor.post(link, data={"csrf": token[1]}, headers=headers)
    assert answer.status_code in (200, 303), answer.status_code


def _settled(process: int) -> None:
    """Wait until the console has done what it does once after a start."""
    used = -1_000.0
    while _processor_ms(process) - used > 200:
        used = _processor_ms(process)
        time.sleep(2)


def _processor_ms(process: int) -> float:
    """How much processor time a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000 / os.sysconf("SC_CLK_TCK")


def _measured(visitor: httpx.Client, process: int, cases: int, rounds: int) -> dict[str, float]:
    dice = random.Random(3)
    queues = [_QUEUES[number % len(_QUEUES)] for number in range(rounds)]
    pages = [f"/cases/{dice.randint(1, cases)}" for _ in range(rounds)]
    for path in (*_QUEUES, *pages[:5]):  # Templates are read, the explainer is loaded.
        visitor.get(path).raise_for_status()
    found: dict[str, float] = {}
    for name, paths in (("queue", queues), ("case", pages)):
        times, used = [], _processor_ms(process)
        for path in paths:
            begun = time.perf_counter()
            answer = visitor.get(path)
            times.append((time.perf_counter() - begun) * 1_000)
            assert answer.status_code == 200, (path, answer.status_code)
        times.sort()
        found[f"{name}_p50_ms"] = round(times[len(times) // 2], 1)
        found[f"{name}_cpu_ms"] = round((_processor_ms(process) - used) / len(times), 1)
        found[f"{name}_p95_ms"] = round(times[int(len(times) * 0.95)], 1)
    return found


if __name__ == "__main__":
    main()
