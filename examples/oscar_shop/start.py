"""`make shop`: Kanhe with its console, a payment gateway and the shop, together on this machine.

(1) Secrets are drawn once and kept beside the data. (2) The desk's link, the shop's key and the webhook
by which the desk tells it of decided cases are made, and Kanhe starts, with a mailbox for the codes it
sends. (3) Meanwhile the shop's tables are made and filled, and Kanhe is told of its past. (4) The shop
starts. (5) Addresses, cards and accounts are printed. (6) Kanhe may end by itself, or be ended, to see the shop
go on selling: it is started again after a minute. (7) Ctrl+C, or the end of any other of them, ends them
all, by their process ids.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from mailbox import Mailbox  # noqa: E402 (nor is this)

from gateway.cards import TEST_CARDS  # noqa: E402 (the folder is not installed)

PASSWORD = "jasmine-2-pearls"
_WAIT_S = 180
_LONG_S = 600
_END_S = 25
_AWAY_S = 60
_CLEAN = {
    name: value for name, value in os.environ.items() if not name.startswith(("KANHE_", "SHOP_", "GATEWAY_"))
}  # fmt: skip


class Failed(Exception):
    """It could not be started; the text says what to do."""


class Together:
    """The processes that run together."""

    def __init__(self, data: Path, ports: dict[str, int], *, strict: bool = False) -> None:
        self.data = data
        self.ports = ports
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.shop_url = f"http://localhost:{ports['shop']}"
        self.kanhe_url = f"http://127.0.0.1:{ports['kanhe']}"
        self.console_url = f"http://localhost:{ports['console']}"
        self.gateway_url = f"http://127.0.0.1:{ports['gateway']}"
        self.link = ""
        self.apps: dict[str, str] = {}
        self._strict = strict
        self._secrets: dict[str, str] = {}
        self.mailbox = Mailbox(data / "mail")

    # What each of them is told

    @property
    def kanhe_env(self) -> dict[str, str]:
        """For Kanhe."""
        return _CLEAN | {
            "KANHE_DATA_DIR": str(self.data / "kanhe"), "KANHE_PORT": str(self.ports["kanhe"]),
            "KANHE_CONSOLE_PORT": str(self.ports["console"]), "KANHE_WEBHOOKS_PRIVATE": "true",
            "KANHE_MAIL_HOST": "127.0.0.1", "KANHE_MAIL_PORT": str(self.mailbox.port),
            "KANHE_MAIL_SECURITY": "none", "KANHE_MAIL_FROM": "haishi@example.com",
            "KANHE_STEP_UP_SHOPS": str(self.data / "shops.toml"), "KANHE_LOG_LEVEL": "warning",
            "KANHE_DRIFT_EVERY_MS": "0",
        }  # fmt: skip

    @property
    def shop_env(self) -> dict[str, str]:
        """For the shop."""
        told = _CLEAN | {
            "SHOP_PRETEND_ADDRESSES": "1",
            "SHOP_DATA": str(self.data / "shop"), "SHOP_SECRET_KEY": self._secrets["shop"],
            "SHOP_ORIGIN": self.shop_url, "SHOP_GATEWAY_URL": self.gateway_url,
            "SHOP_GATEWAY_PUBLISHABLE_KEY": self._secrets["publishable"],
            "SHOP_GATEWAY_SECRET_KEY": self._secrets["gateway"],
            "SHOP_GATEWAY_NOTICE_SECRET": self._secrets["notices"],
            "SHOP_KANHE_URL": self.kanhe_url, "SHOP_KANHE_KEY": self._secrets["key"],
            "SHOP_KANHE_WEBHOOK_SECRET": self._secrets["webhook"],
        }  # fmt: skip
        if self._strict:
            # For tests: cheap passwords, and warnings are errors, but for those that oscar itself earns.
            warnings = "error,ignore:Using Category:DeprecationWarning"
            told |= {"SHOP_FAST_PASSWORDS": "1", "PYTHONWARNINGS": warnings}
        return told

    @property
    def gateway_env(self) -> dict[str, str]:
        """For the gateway."""
        return _CLEAN | {
            "GATEWAY_PUBLISHABLE_KEY": self._secrets["publishable"],
            "GATEWAY_SECRET_KEY": self._secrets["gateway"],
            "GATEWAY_NOTICE_SECRET": self._secrets["notices"],
        }

    # Steps

    def start(self, say: Any) -> None:
        """Steps (1) to (4). Raises `Failed`."""
        for name in ("kanhe", "shop", "shop/media"):
            (self.data / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._secrets = self._drawn()  # (1)
        (self.data / "shops.toml").write_text(
            f'[default]\nname = "Haishi"\norigins = ["{self.shop_url}"]\n', "utf-8"
        )
        self.mailbox.start()
        say("Kanhe … (the first start takes a minute 首次启动约需一分钟)")
        self._prepare()  # (2)
        self._run_kanhe()
        gateway = ["-m", "gateway", "--file", str(self.data / "gateway.db")]
        where = ["--port", str(self.ports["gateway"]), "--shop", self.shop_url]
        self._run("gateway", [sys.executable, *gateway, *where], self.gateway_env)
        say("the shop …")
        self._fill()  # (3)
        self._run("shop", [sys.executable, "-m", "shop", str(self.ports["shop"])], self.shop_env)
        self._wait(f"{self.kanhe_url}/readyz", "kanhe")
        self._wait(f"{self.gateway_url}/healthz", "gateway")
        self._wait(f"{self.console_url}/", "kanhe", any_answer=True)
        self._wait(f"{self.shop_url}/catalogue/", "shop")  # (4)

    def watch(self, say: Any) -> str:
        """Wait until one of them but Kanhe ends; gives which."""
        again_at = 0.0
        while True:
            for name, child in self.children.items():
                if child.poll() is None:
                    continue
                if name != "kanhe":
                    return name
                if not again_at:
                    again_at = time.monotonic() + _AWAY_S
                    say(
                        f"Kanhe has ended; the shop goes on selling. It is started again in {_AWAY_S} s"
                    )
                    say(f"Kanhe 已停止，店铺照常营业；{_AWAY_S} 秒后重新启动 Kanhe")
            if again_at and time.monotonic() >= again_at:
                again_at = 0.0
                self._run_kanhe()
                say(f"Kanhe … (kill {self.children['kanhe'].pid})")
            time.sleep(0.3)

    def end(self) -> None:
        """End them, those that began last first, and wait until each is gone."""
        for child in reversed(self.children.values()):
            if child.poll() is None:
                child.terminate()
        for child in self.children.values():
            try:
                child.wait(_END_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.mailbox.stop()

    def _fill(self) -> None:
        """The shop's tables, filled, and Kanhe told of the time before it was there, once. New tables are
        made as they are now, and their whole history is noted as done, which takes a tenth of the time
        of going through all of it."""
        kept = self.data / "shop" / "apps.json"
        if kept.exists():
            self._manage("migrate", "--verbosity", "0")
        else:
            told = self._manage("fill_shop", "--tables", "--with-kanhe", SHOP_PLAIN_TABLES="1")
            if not self._strict:
                self._manage("migrate", "--fake", "--verbosity", "0")
            _write(kept, told.splitlines()[-1])
        self.apps = json.loads(kept.read_text("utf-8"))

    def _drawn(self) -> dict[str, str]:
        file = self.data / "secrets.json"
        if file.exists():
            return dict(json.loads(file.read_text("utf-8")))
        drawn = {
            "shop": secrets.token_urlsafe(48), "publishable": "pk_" + secrets.token_urlsafe(18),
            "gateway": "sk_" + secrets.token_urlsafe(24), "key": "", "webhook": "",
            "notices": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        }  # fmt: skip
        _write(file, json.dumps(drawn))
        return drawn

    def _prepare(self) -> None:
        """The desk's one-time link; and, once, the shop's key and the desk's webhook to it."""
        url = f"{self.shop_url}/kanhe/desk/"
        if self._secrets.get("webhook_url") != url:
            # Another port was free this time: what the desk decides has to find the shop there.
            self._secrets["webhook"] = ""
        wanted = [name for name in ("key", "webhook") if not self._secrets[name]]
        command = [sys.executable, str(HERE / "prepare.py"), url, *wanted]
        made = json.loads(_done(command, self.kanhe_env, "Kanhe could not be prepared"))
        self.link = made.pop("link")
        self._secrets |= {**made, "webhook_url": url}
        _write(self.data / "secrets.json", json.dumps(self._secrets))

    def _manage(self, *words: str, **more: str) -> str:
        command = [sys.executable, str(HERE / "manage.py"), *words]
        return _done(command, self.shop_env | more, f"manage.py {words[0]}")

    def _run_kanhe(self) -> None:
        self._run("kanhe", [sys.executable, "-m", "kanhe.serve.cli", "serve"], self.kanhe_env)

    def _run(self, name: str, command: list[str], env: dict[str, str]) -> None:
        with open(self.data / f"{name}.log", "ab") as log:
            self.children[name] = subprocess.Popen(
                command, env=env, cwd=HERE, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _wait(self, url: str, name: str, *, any_answer: bool = False) -> None:
        until = time.monotonic() + _WAIT_S
        while time.monotonic() < until:
            gone = [one for one, child in self.children.items() if child.poll() is not None]
            if gone:
                name = gone[0]
                break
            try:
                answer = httpx.get(url, timeout=5, trust_env=False)
                if answer.is_success or any_answer:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise Failed(f"{name} did not start; {self.data / (name + '.log')} says why")


def _done(command: list[str], env: dict[str, str], what: str) -> str:
    """What a command prints. Raises `Failed` if it fails, or takes far too long."""
    try:
        done = subprocess.run(
            command, env=env, cwd=HERE, capture_output=True, text=True, timeout=_LONG_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise Failed(
            f"{what}: not done after {_LONG_S} s, on a busy machine perhaps; run make shop again,"
            " it goes on where it was"
        ) from None
    if done.returncode:
        raise Failed(f"{what}: {done.stderr[-2000:]}")
    return done.stdout


def _write(file: Path, text: str) -> None:
    """Keep a secret: whole or not at all, on the disk, and for this user alone."""
    fresh = file.with_suffix(".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


def free_ports(wanted: dict[str, int]) -> dict[str, int]:
    """The wanted ports where they are free, others where they are not; 0 is any."""
    found: dict[str, int] = {}
    with ExitStack() as held:
        for name, port in wanted.items():
            sock = held.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                sock.bind(("127.0.0.1", 0))
            found[name] = sock.getsockname()[1]
    return found


def what_to_do(running: Together) -> str:
    """Everything somebody needs who wants to try it."""
    cards = "\n".join(
        f"    {' '.join(number[i : i + 4] for i in range(0, len(number), 4))}   {told}"
        for number, (told, _) in TEST_CARDS.items()
    )
    secret = running.apps.get("stolen", "")
    return f"""
  The shop 店铺         {running.shop_url}
  Kanhe's desk 风控台   {running.link}  (once 一次有效)

  Accounts 账号 (password 密码: {PASSWORD})
    mei@example.com     an honest buyer 正常买家
    anton@example.com   the account that is stolen 被盗账号; authenticator secret 验证器密钥: {secret}
    ray@example.com     asks his money back too often 频繁退款
    keeper@example.com  the shopkeeper 店主: {running.shop_url}/dashboard/

  Test cards 测试卡 (any month to come, any code 有效期填未来月份，安全码任填)
{cards}

  Try 试一试
    buy as mei: nothing happens but the sale 以 mei 购买：一切如常
    pay as a guest with one declined card after the other 以游客身份接连使用被拒的卡
    in a private window, guess anton's password four times wrong, then right 无痕窗口中先输错 anton 的密码四次，再输对
    as ray, ask the money back for the order from the day before yesterday 以 ray 登录，为前天的订单申请退款

  Letters with codes 验证码邮件  {running.mailbox.folder}
  Stop Kanhe alone 单独停止 Kanhe  kill {running.children["kanhe"].pid}  (the shop goes on selling 店铺照常营业)
  Ctrl+C ends everything 按 Ctrl+C 全部结束
"""


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """SIGINT and SIGTERM set the event; an end in the middle of starting is an end as well."""
    told = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        told.set()
        raise KeyboardInterrupt

    before = {one: signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def say(text: str) -> None:
    """A word about what is going on."""
    print(f"\033[2m{text}\033[0m", flush=True)


def main() -> int:
    """Start, say what to do, wait, end."""
    parser = argparse.ArgumentParser(prog="make shop")
    parser.add_argument("--data-dir", type=Path, default=Path("kanhe-shop-data"))
    parser.add_argument("--exit", action="store_true", help="end once everything has answered")
    chosen = parser.parse_args()
    ports = free_ports({"kanhe": 8080, "console": 8081, "shop": 8082, "gateway": 8083})
    running = Together(chosen.data_dir.resolve(), ports)
    with stopped_by_signals():
        try:
            running.start(say)
            print(what_to_do(running), flush=True)
            if not chosen.exit:
                print(f"{running.watch(say)} has ended", file=sys.stderr)
                return 1
        except Failed as error:
            print(f"shop: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 0
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            running.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
