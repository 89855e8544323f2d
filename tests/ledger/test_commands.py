"""`kanhe ledger …`, `kanhe erase` and what the doctor says of the log, as people and programs meet them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Kanhe, kanhe
from tests.flow.packs import payment

__all__ = ["kanhe"]
DATA = Path("kanhe-data")


def _decide(kanhe: Kanhe, *event_ids: str, **fields: object) -> list[str]:
    """Decide payments; gives their decisions' ids."""
    lines = b"".join(payment(one, n, **fields) + b"\n" for n, one in enumerate(event_ids))
    ran = kanhe("decide", "-", stdin=lines)
    assert ran.code == 0, ran.err
    return [answer["decision_id"] for answer in ran.lines()]


def _key(kanhe: Kanhe) -> str:
    return str(kanhe("ledger", "show", "--json").json()["keys"][-1])


def test_looking_at_nothing_makes_nothing(kanhe: Kanhe, tmp_path: Path) -> None:
    """In an empty folder there is an empty log; looking leaves no key and no folder behind."""
    shown = kanhe("ledger", "show", "--json")
    assert (shown.code, shown.json()["size"], shown.json()["keys"]) == (0, 0, [])
    assert kanhe("ledger", "show").code == 0
    audit = kanhe("ledger", "audit")
    assert (audit.code, "there is no journal" in audit.err) == (3, True)
    assert kanhe("ledger", "receipt", "d1-9e3779").code == 1
    assert kanhe("erase", "user=u1").code == 1
    assert list(tmp_path.iterdir()) == []


def test_run_once_folds_what_there_is(kanhe: Kanhe) -> None:
    """`run --once` folds and ends; a second time there is nothing to do, and an empty log is one too."""
    assert "0 entries" in kanhe("ledger", "run", "--once").out
    _decide(kanhe, "e1", "e2")
    shown = kanhe("ledger", "show", "--json").json()
    assert (shown["size"], shown["waiting"]) == (0, 2)
    for _ in range(2):
        ran = kanhe("ledger", "run", "--once")
        assert (ran.code, ran.out) == (0, "The log holds 2 entries.\n")
    assert "日志现有 2 个条目" in kanhe("--lang", "zh_CN", "ledger", "run", "--once").out
    shown = kanhe("ledger", "show", "--json").json()
    assert (shown["size"], shown["waiting"], shown["required"]) == (2, 0, 0)


@pytest.mark.parametrize(("language", "word"), [("en", "key of the log"), ("zh_CN", "日志公钥")])
def test_show_in_both_languages(kanhe: Kanhe, language: str, word: str) -> None:
    """The key can be copied as it stands, whatever the language."""
    kanhe("ledger", "run", "--once")
    shown = kanhe("--lang", language, "ledger", "show")
    assert shown.code == 0
    assert word in shown.out
    assert _key(kanhe) in shown.out


def test_a_receipt_is_written_and_verified(kanhe: Kanhe, tmp_path: Path) -> None:
    """Written to a file or to standard output, opened as far as asked, and checked offline."""
    (decision,) = _decide(kanhe, "e1")
    pending = kanhe("ledger", "receipt", decision)
    assert (pending.code, "run --once" in pending.err) == (1, True)
    assert "尚未并入日志" in kanhe("--lang", "zh_CN", "ledger", "receipt", decision).err
    kanhe("ledger", "run", "--once")
    key = _key(kanhe)
    assert kanhe("ledger", "receipt", decision).code == 0
    file = f"{decision}.tlog-proof"
    assert (tmp_path / file).exists()
    verified = kanhe("ledger", "verify", file, "--key", key)
    assert verified.code == 0
    assert verified.out.startswith("VERIFIED: entry 0 of 1 in the log kanhe.local/log\n")
    assert "shown and fitting: the answer\n" in verified.out
    assert "核对通过" in kanhe("--lang", "zh_CN", "ledger", "verify", file, "--key", key).out
    told = kanhe("ledger", "verify", file, "--key", key, "--json").json()
    assert (told["verified"], told["entry"]["seq"], told["opened"]) == (True, 1, ["answer"])
    whole = kanhe("ledger", "receipt", decision, "--event", "-o", "-")
    again = kanhe("ledger", "verify", "-", "--key", key, "--json", stdin=whole.out.encode())
    assert again.json()["opened"] == ["event", "answer"]
    for other in ("--tenant=other", "--tenant="):
        assert kanhe("ledger", "receipt", decision, other).code == 1
    assert kanhe("ledger", "receipt", "d1-000000").code == 1
    assert "没有编号为" in kanhe("--lang", "zh_CN", "ledger", "receipt", "d2-3c6ef3").err
    assert kanhe("ledger", "receipt", decision, "-o", "nowhere/x").code == 2


def test_what_does_not_verify(kanhe: Kanhe, tmp_path: Path) -> None:
    """A wrong receipt is 1, a wrong question 2, each told in one line."""
    (decision,) = _decide(kanhe, "e1")
    kanhe("ledger", "run", "--once")
    key = _key(kanhe)
    kanhe("ledger", "receipt", decision, "-o", "r")
    raw = (tmp_path / "r").read_bytes()
    other = b"B" if raw[-3:-2] == b"A" else b"A"
    (tmp_path / "r").write_bytes(raw[:-3] + other + raw[-2:])
    ran = kanhe("ledger", "verify", "r", "--key", key)
    assert (ran.code, ran.err.startswith("kanhe: NOT VERIFIED: ")) == (1, True)
    assert kanhe("ledger", "verify", "r", "--key", key, "--json").json()["verified"] is False
    assert "核对未通过" in kanhe("--lang", "zh_CN", "ledger", "verify", "r", "--key", key).err
    (tmp_path / "r").write_bytes(raw)
    for more in (("--required", "1"), ("--origin", "other.example/log")):
        assert kanhe("ledger", "verify", "r", "--key", key, *more).code == 1
    for wrong in (
        ("nowhere", "--key", key), ("r", "--key", key[:-4]), ("r", "--key", "x"), ("r",),
        ("r", "--key", key, "--witness", key),
    ):  # fmt: skip
        ran = kanhe("ledger", "verify", *wrong)
        assert ran.code == 2
        assert "Traceback" not in ran.err


def test_an_audit_says_what_fits_and_what_does_not(kanhe: Kanhe) -> None:
    """0 if all fits, 1 with the row that does not, 3 where a file cannot be read, 2 for a wrong key."""
    _decide(kanhe, "e1", "e2")
    kanhe("ledger", "run", "--once")
    _decide(kanhe, "e3")
    key = _key(kanhe)
    fits = kanhe("ledger", "audit", "--json").json()
    assert (fits["fits"], fits["size"], fits["waiting"], fits["keys"]) == (True, 2, 1, [key])
    assert "the keys that you gave" in kanhe("ledger", "audit", "--key", key).out
    assert "事先记下的公钥" in kanhe("--lang", "zh_CN", "ledger", "audit").out
    assert kanhe("ledger", "audit", "--key", "nonsense").code == 2
    log = DATA / "log"
    bundle = log / "tile" / "entries" / "000.p" / "2"
    whole = bundle.read_bytes()
    bundle.write_bytes(whole.replace(b'"seq":2', b'"seq":3'))
    ran = kanhe("ledger", "audit", "--json")
    assert (ran.code, ran.json()["fits"], ran.json()["row"]) == (1, False, 2)
    assert "DOES NOT FIT" in kanhe("ledger", "audit").err
    assert "不符" in kanhe("--lang", "zh_CN", "ledger", "audit").err
    bundle.write_bytes(whole)
    journal = DATA / "journal.db"
    whole = journal.read_bytes()
    journal.write_bytes(b"no database" * 1_000)
    for command in (("ledger", "audit"), ("ledger", "show"), ("ledger", "run", "--once")):
        ran = kanhe(*command)
        assert (ran.code, "Traceback" in ran.err) == (3, False)
    journal.write_bytes(whole)
    checkpoint = (log / "checkpoint").read_bytes()
    (log / "checkpoint").write_bytes(b"x")
    assert kanhe("ledger", "audit").code == 1
    assert kanhe("ledger", "run", "--once").code == 3
    (log / "checkpoint").write_bytes(checkpoint)
    assert kanhe("ledger", "audit").code == 0


def test_keys_that_others_can_read_are_refused(kanhe: Kanhe) -> None:
    """A key is for its owner only: nothing is signed with one that is not, and the doctor says so."""
    _decide(kanhe, "e1")
    kanhe("ledger", "run", "--once")
    for name in ("log-0001.key", "pseudonym.key"):
        (DATA / "keys" / name).chmod(0o640)
        ran = kanhe("ledger", "run", "--once")
        assert (ran.code, "chmod 600" in ran.err) == (3, True)
        assert _doctor(kanhe)["log_keys"] == "bad"
        (DATA / "keys" / name).chmod(0o600)
    assert kanhe("ledger", "run", "--once").code == 0
    (DATA / "keys" / "pseudonym.key").unlink()
    ran = kanhe("ledger", "run", "--once")
    assert (ran.code, "restore it from a backup" in ran.err) == (3, True)


def _doctor(kanhe: Kanhe, language: str = "en") -> dict[str, str]:
    found = kanhe("--lang", language, "doctor", "--json", "--port", "0").json()
    assert all(check["do"] for check in found if check["state"] != "fine")
    return {check["name"]: check["state"] for check in found}


def test_the_doctor_looks_at_the_log(
    kanhe: Kanhe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that nobody folds, too few cosignatures, and a list of witnesses that cannot be read."""
    monkeypatch.setattr("kanhe.serve.cli.doctor._FOLD_S", 0.05)
    _decide(kanhe, "e1")
    assert _doctor(kanhe)["log"] == "look"
    kanhe("ledger", "run", "--once")
    found = _doctor(kanhe, "zh_CN")
    assert (found["log"], found["log_keys"], found["witnesses"]) == ("fine", "fine", "fine")
    assert "日志密钥" in kanhe("--lang", "zh_CN", "doctor", "--port", "0").out
    monkeypatch.setenv("KANHE_LOG_WITNESSES", "witnesses")
    assert _doctor(kanhe)["witnesses"] == "bad"
    made = kanhe("witness", "init", "--name", "w.example", "--data-dir", "w").out.strip()
    (tmp_path / "witnesses").write_text(f"{made} http://127.0.0.1:9\n")
    monkeypatch.setenv("KANHE_LOG_COSIGNATURES", "1")
    assert _doctor(kanhe)["witnesses"] == "look"
    assert kanhe("ledger", "show").code == kanhe("ledger", "show", "--json").code == 1
    monkeypatch.setenv("KANHE_LOG_COSIGNATURES", "2")
    assert (kanhe("ledger", "show").code, _doctor(kanhe)["witnesses"]) == (2, "bad")
    monkeypatch.delenv("KANHE_LOG_WITNESSES")
    ran = kanhe("ledger", "show")
    assert (ran.code, "no witness is named" in ran.err) == (2, True)


@pytest.mark.parametrize("name", ["two words", "a+b", ""])
def test_a_log_needs_a_name(kanhe: Kanhe, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A name that no signature can bear is a wrong setting, told before a key is made."""
    monkeypatch.setenv("KANHE_LOG_ORIGIN", name)
    for command in (("ledger", "show"), ("ledger", "run", "--once"), ("ledger", "rotate-key"),
                    ("decide", "-")):  # fmt: skip
        ran = kanhe(*command, stdin=payment("e1"))
        assert (ran.code, "log_origin" in ran.err) == (2, True), ran.err
    assert not (DATA / "keys").exists()


def test_keys_change_with_overlap(kanhe: Kanhe, tmp_path: Path) -> None:
    """Old receipts hold with the old key, new ones with both and then the new; no secret is ever told."""
    said: list[str] = []
    secrets: set[bytes] = set()

    def ran(*arguments: str, code: int = 0) -> str:
        one = kanhe(*arguments)
        assert one.code == code, one.err
        said.append(one.out + one.err)
        for path in (DATA / "keys").glob("*"):
            if not path.name.endswith(".retired"):
                secrets.add(path.read_bytes().strip().split(b"+", 4)[-1])
        return one.out

    def receipt(event_id: str) -> str:
        (decision,) = _decide(kanhe, event_id)
        ran("ledger", "run", "--once")
        ran("ledger", "receipt", decision, "-o", event_id)
        return event_id

    old_receipt = receipt("old")
    old = _key(kanhe)
    ran("ledger", "rotate-key", "--retire", "1", code=3)
    ran("ledger", "rotate-key", "--retire", "9", code=3)
    new = json.loads(ran("ledger", "rotate-key", "--json"))["key"]
    assert new != old
    both_receipt = receipt("both")
    retired = json.loads(ran("ledger", "rotate-key", "--retire", "1", "--json"))
    assert (retired["key"], retired["retired"]) == (old, True)
    new_receipt = receipt("new")
    for file, fitting in ((old_receipt, {old}), (both_receipt, {old, new}), (new_receipt, {new})):
        for key in (old, new):
            ran("ledger", "verify", file, "--key", key, code=int(key not in fitting))
        ran("ledger", "verify", file, "--key", old, "--key", new)
    shown = json.loads(ran("ledger", "show", "--json"))
    assert (shown["keys"], shown["retired_keys"]) == ([new], [old])
    ran("ledger", "audit")
    ran("ledger", "audit", "--key", old, "--key", new)
    ran("ledger", "audit", "--key", new, code=1)
    assert "停用" in kanhe("--lang", "zh_CN", "ledger", "rotate-key", "--help").out
    # What nobody may see stands in its own file, and nowhere else.
    assert len(secrets) == 3
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "keys"]
    everything = "".join(said).encode() + b"".join(path.read_bytes() for path in files)
    assert not [1 for secret in secrets if secret in everything]
    assert not list((DATA / "keys").glob("log-0001.key"))


def test_somebody_is_erased(kanhe: Kanhe, tmp_path: Path) -> None:
    """Counted first, then erased; the decision's receipt is left with its entry, and nothing else."""
    (decision,) = _decide(kanhe, "e1", user="u-secret")
    _decide(kanhe, "e2", user="u2")
    kanhe("ledger", "run", "--once")
    key = _key(kanhe)
    counted = kanhe("erase", "user=u-secret", "--dry-run")
    assert (counted.code, counted.out) == (0, "1 rows would be destroyed.\n")
    told = kanhe("erase", "user=u-secret", "--reason", "ticket 7", "--by", "ana", "--json").json()
    assert (told["rows"], told["erased"]) == (1, True)
    assert kanhe("erase", "user=u-secret").code == 1
    assert "没有任何一行" in kanhe("--lang", "zh_CN", "erase", "user=u-secret").err
    kanhe("ledger", "run", "--once")
    assert kanhe("ledger", "audit", "--json").json()["erased"] == 1
    kanhe("ledger", "receipt", decision, "--event", "-o", "r")
    left = kanhe("ledger", "verify", "r", "--key", key, "--json").json()
    assert (left["opened"], left["entry"]["outcome"]) == ([], "allow")
    assert b"u-secret" not in (DATA / "journal.db").read_bytes()
    assert "已销毁 1 行" in kanhe("--lang", "zh_CN", "erase", "user=u2").out


@pytest.mark.parametrize(
    "words",
    [
        ("user",), ("user=",), ("nobody=x",), ("user=a\nb",), ("user=" + "x" * 300,),
        ("user=u1", "--reason", "x" * 501), ("user=u1", "--by", "a\x1bb"), ("user=\udcff",), (),
        tuple(f"user=u{n}" for n in range(101)),
    ],
)  # fmt: skip
def test_requests_that_cannot_be_carried_out(kanhe: Kanhe, words: tuple[str, ...]) -> None:
    """What names nobody, or does not fit into an entry, is refused in one line before anything is done."""
    _decide(kanhe, "e1")
    ran = kanhe("erase", *words)
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert not (DATA / "erasures").exists()
