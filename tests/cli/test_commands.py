"""Every command does what its help says, tells errors in one line, and ends with the right code."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kanhe.core.errors import StorageError
from kanhe.serve.cli.phrases import CATALOGUE, TABLES
from kanhe.serve.cli.wording import lang_option, language_of, use_language, words
from tests.cli.conftest import Kanhe


def _event(number: int = 1, **more: object) -> bytes:
    event = {
        "id": f"e{number}", "type": "payment.attempted", "at_ms": 1_767_225_600_000, "user": "u1",
        "card": "tok_9", "order": "o1", "amount_minor": 1999, "currency": "EUR", **more,
    }  # fmt: skip
    return json.dumps(event).encode() + b"\n"


def test_lines_are_decided_in_order(kanhe: Kanhe) -> None:
    """Lines of standard input get their answers in order; a bad one gets a problem and code 1."""
    ran = kanhe("decide", "-", stdin=_event(1) + b"\n{bad\n" + _event(2))
    assert ran.code == 1
    answers = ran.lines()
    assert [a.get("event_id") for a in answers] == ["e1", None, "e2"]
    assert answers[1]["line"] == 3
    assert "2 accepted" in ran.err
    assert "1 refused" in ran.err


def test_a_second_run_gives_the_same_bytes(kanhe: Kanhe, tmp_path: Path) -> None:
    """What was decided is kept: the same file decided again has the same answers."""
    (tmp_path / "events.ndjson").write_bytes(_event(1) + _event(2))
    first, again = kanhe("decide", "events.ndjson"), kanhe("decide", "events.ndjson")
    assert first.code == again.code == 0
    assert first.out == again.out
    assert "2 of them seen before" in again.err


def test_tenants_are_apart_on_the_command_line(kanhe: Kanhe) -> None:
    """The same event of another tenant is another event."""
    one = kanhe("decide", "--tenant", "a", stdin=_event()).lines()[0]["decision_id"]
    other = kanhe("decide", "--tenant", "b", stdin=_event()).lines()[0]["decision_id"]
    assert one != other


def test_a_dry_run_keeps_nothing(kanhe: Kanhe, tmp_path: Path) -> None:
    """`--dry-run` answers and leaves no folder behind."""
    assert kanhe("decide", "--dry-run", stdin=_event()).code == 0
    assert list(tmp_path.iterdir()) == []


def test_events_can_only_be_recorded(kanhe: Kanhe) -> None:
    """`--record` takes events in without a decision."""
    answer = kanhe("decide", "--record", stdin=_event()).lines()[0]
    assert answer["recorded"] is True


def test_a_missing_file_is_told_in_one_line(kanhe: Kanhe) -> None:
    """An error is one line on standard error, without a traceback."""
    ran = kanhe("decide", "nowhere.ndjson")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "nowhere.ndjson" in ran.err


def test_a_folder_that_cannot_be_used_is_code_3(kanhe: Kanhe, tmp_path: Path) -> None:
    """Trouble with storage has its own exit code."""
    (tmp_path / "file").write_text("x")
    ran = kanhe("decide", "--data-dir", "file/below", stdin=_event())
    assert ran.code == 3
    assert ran.err.startswith("kanhe: ")


@pytest.mark.parametrize(
    "arguments", [("serve", "--nope"), ("nowhere",), ("keys", "create", "--rate", "x"), ("import",)]
)
def test_wrong_usage_is_code_2(kanhe: Kanhe, arguments: tuple[str, ...]) -> None:
    """Unknown commands and options are told and end with 2."""
    assert kanhe(*arguments).code == 2


def test_wrong_settings_are_code_2(kanhe: Kanhe, tmp_path: Path) -> None:
    """A typing mistake in the settings file is told with the nearest name."""
    (tmp_path / "kanhe.toml").write_text("prot = 80\n")
    ran = kanhe("policy", "check")
    assert ran.code == 2
    assert "did you mean port" in ran.err


def test_keys_are_made_listed_and_revoked(kanhe: Kanhe) -> None:
    """The token is shown once, alone on standard output; a list never holds it."""
    made = kanhe("keys", "create", "--tenant", "shop", "--name", "till", "--rate", "5")
    token = made.out.strip()
    assert token.startswith("kanhe_")
    key_id = token.split("_")[1]
    listed = kanhe("keys", "list", "--json").json()
    assert [(k["id"], k["tenant"], k["burst"], k["state"]) for k in listed] == [
        (key_id, "shop", 10, "valid")
    ]
    assert token.split("_")[2] not in kanhe("keys", "list", "--json").out
    assert kanhe("keys", "revoke", key_id).code == 0
    assert kanhe("keys", "list", "--json").json()[0]["state"] == "revoked"
    assert kanhe("keys", "revoke", "nobody").code == 2
    assert key_id in kanhe("keys", "list").out


def test_an_unknown_scope_is_refused(kanhe: Kanhe) -> None:
    """A key cannot be made for a scope that does not exist."""
    ran = kanhe("keys", "create", "--scope", "rule-the-world")
    assert ran.code == 2
    assert "decide" in ran.err


def test_serving_without_keys_says_how_to_make_one(kanhe: Kanhe) -> None:
    """A server that nobody could use does not start."""
    ran = kanhe("serve", "--port", "0")
    assert ran.code == 2
    assert "kanhe keys create" in ran.err


def test_serving_open_to_the_world_is_refused(kanhe: Kanhe) -> None:
    """Without keys only this machine's own address is listened on."""
    ran = kanhe("serve", "--open", "--host", "0.0.0.0", "--port", "0")
    assert ran.code == 2
    assert "127.0.0.1" in ran.err


def test_the_starter_pack_is_fine(kanhe: Kanhe) -> None:
    """The pack that is shipped has no mistakes."""
    ran = kanhe("policy", "check")
    assert ran.code == 0
    assert "sha256:" in ran.out
    shown = kanhe("policy", "show", "--json").json()
    assert shown["counts"]["rules"] >= 50
    assert kanhe("policy", "check", "--json").json()["fine"] is True
    assert Path(kanhe("policy", "path").out.strip(), "pack.toml").exists()
    assert "card" in kanhe("policy", "show").out


def test_mistakes_of_a_pack_have_their_place(kanhe: Kanhe, tmp_path: Path) -> None:
    """A mistake is shown with file, line and column, for people and for programs."""
    pack = tmp_path / "pack"
    (pack / "rules").mkdir(parents=True)
    (pack / "pack.toml").write_text(
        '[pack]\nname = "x"\nversion = "1"\ndescription_en = "x"\ndescription_zh = "x"\n'
        '[money]\nbase = "EUR"\n'
    )
    (pack / "features.kanhe").write_text("x = cuont('payment.declined', by='card', over='10m')\n")
    ran = kanhe("policy", "check", "pack")
    assert ran.code == 1
    assert "features.kanhe:1:" in ran.err
    mistakes = kanhe("policy", "check", "pack", "--json").json()["mistakes"]
    assert mistakes[0]["line"] == 1


def _pack(folder: Path, features: str) -> None:
    """A small pack in `pack`."""
    (folder / "pack").mkdir()
    (folder / "pack" / "pack.toml").write_text(
        '[pack]\nname = "x"\nversion = "1"\ndescription_en = "x"\ndescription_zh = "x"\n'
        '[money]\nbase = "EUR"\n'
    )
    (folder / "pack" / "features.kanhe").write_text(features)


def test_a_folder_without_a_pack_is_one_mistake(kanhe: Kanhe, tmp_path: Path) -> None:
    """Somebody else's folder is told once, not once per file."""
    for number in range(5):
        (tmp_path / f"{number}.txt").write_text("x")
    ran = kanhe("policy", "check", ".")
    assert ran.code == 1
    assert "no pack.toml" in ran.err
    assert ran.err.endswith("\n1 mistake\n")


def test_list_entries_come_and_go(kanhe: Kanhe) -> None:
    """An added entry is there for its tenant until it is removed."""
    name = next(s["name"] for s in kanhe("lists", "show", "--json").json() if s["holds"] == "card")
    assert kanhe("lists", "add", name, "tok_1", "--note", "seen", "--for", "7d").code == 0
    entry = kanhe("lists", "show", name, "--json").json()[0]
    assert (entry["value"], entry["reason"]) == ("tok_1", "seen")
    assert entry["expires_ms"] > time.time() * 1000
    assert "tok_1" in kanhe("lists", "show", name).out
    assert kanhe("lists", "show", name, "--tenant", "other", "--json").json() == []
    assert kanhe("lists", "remove", name, "tok_1").code == 0
    assert kanhe("lists", "remove", name, "tok_1").code == 1
    assert kanhe("lists", "add", "nowhere", "x").code == 2


def test_event_types_are_shown(kanhe: Kanhe) -> None:
    """All types are listed, one is shown whole, and a mistyped one gets a hint."""
    assert "payment.attempted" in kanhe("events", "list").out
    assert len(kanhe("events", "list", "--json").json()) >= 31
    assert "amount_minor" in kanhe("events", "show", "payment.attempted").out
    assert "fields" in kanhe("events", "show", "payment.attempted", "--json").json()
    ran = kanhe("events", "show", "payment.atempted")
    assert ran.code == 2
    assert "payment.attempted" in ran.err


def test_the_doctor_looks_at_everything(kanhe: Kanhe) -> None:
    """On a sound machine nothing is wrong, and every finding that is not fine says what to do."""
    kanhe("decide", "-", stdin=_event())
    ran = kanhe("doctor", "--json", "--port", "0")
    found = {check["name"]: check for check in ran.json()}
    assert found["journal"]["state"] == "fine"
    assert found["keys"]["state"] == "look"
    assert all(check["do"] for check in found.values() if check["state"] != "fine")
    assert ran.code == int(any(check["state"] == "bad" for check in found.values()))


def test_the_doctor_finds_a_damaged_journal(kanhe: Kanhe, tmp_path: Path) -> None:
    """A journal whose bytes were changed is wrong, and the exit code says so."""
    kanhe("decide", "-", stdin=_event())
    (tmp_path / "kanhe-data" / "journal.db").write_bytes(b"not a database" * 100)
    ran = kanhe("doctor", "--json", "--port", "0")
    assert ran.code == 1
    assert next(c for c in ran.json() if c["name"] == "journal")["state"] == "bad"


def test_a_demo_shows_what_was_caught(kanhe: Kanhe, tmp_path: Path) -> None:
    """A small demo names its campaigns and its false alarms, and leaves nothing behind."""
    ran = kanhe("demo", "--events", "5000", "--json")
    told = ran.json()
    assert ran.code == 0
    assert told["simulated"] is True
    assert len(told["campaigns"]) >= 10
    assert told["speed"]["per_s"] > 0
    assert told["refused"] == 0
    assert list(tmp_path.iterdir()) == []
    shown = kanhe("--lang", "zh_CN", "demo", "--events", "5000", "--exit")
    assert "正常买家" in shown.out and "待处置案件" in shown.out
    assert list(tmp_path.iterdir()) == []


def test_a_table_is_imported_and_accounted_for(kanhe: Kanhe, tmp_path: Path) -> None:
    """Every line of a file is in an event, set aside or refused; the report says which."""
    (tmp_path / "orders.csv").write_text(
        "id,when,who\n1,2026-01-01 10:00,u1\n,2026-01-01 11:00,u2\n"
    )
    (tmp_path / "map.toml").write_text(
        'name = "x"\nen = "x"\nzh = "x"\n[[set_aside]]\nkind = "no-id"\n'
        'when = [{column = "id", missing = true}]\nen = "no id"\nzh = "没有编号"\n'
        '[[event]]\ntype = "account.login"\n[event.fields]\nid = {column = "id"}\n'
        'at_ms = {column = "when", as = "time", zone = "UTC"}\nuser = {column = "who"}\n'
    )
    ran = kanhe("import", "orders.csv", "--map", "map.toml", "--json")
    assert ran.code in (0, 1), ran.err
    told = ran.json()
    assert told["lines_read"] == 2
    assert told["set_aside"][0]["kind"] == "no-id"
    shown = kanhe("import", "orders.csv", "--map", "map.toml", "--dry-run")
    assert "no id" in shown.out
    assert kanhe("import", "nowhere.csv", "--map", "map.toml").code == 2
    assert kanhe("import", "orders.csv", "--map", "nowhere.toml").code == 2


def test_help_speaks_both_languages(kanhe: Kanhe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Help follows `--lang`, then `KANHE_LANG`, then the locale."""
    assert "Serve the HTTP interface" in kanhe("--help").out
    assert "启动 HTTP 服务" in kanhe("--lang", "zh_CN", "--help").out
    assert language_of([], {"LANG": "zh_CN.UTF-8"}) == "zh_CN"
    assert language_of([], {"KANHE_LANG": "en", "LANG": "zh_CN.UTF-8"}) == "en"
    assert language_of(["--lang=zh", "x"], {"KANHE_LANG": "en"}) == "zh_CN"


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_text_has_both_languages_with_the_same_values(key: str) -> None:
    """A translation fills in what the original fills in."""
    import string

    english, chinese = CATALOGUE[key]
    fields = [{f for _, f, _, _ in string.Formatter().parse(t) if f} for t in (english, chinese)]
    assert fields[0] == fields[1]
    assert english
    assert chinese


def test_the_language_can_be_asked_for_anywhere(kanhe: Kanhe) -> None:
    """`--lang` works before and after the command, and one that is not spoken is refused."""
    for arguments in (("--lang", "zh_CN", "policy", "check"), ("policy", "check", "--lang=zh")):
        assert "检查通过" in kanhe(*arguments).out
    ran = kanhe("policy", "check", "--lang", "fr")
    assert ran.code == 2
    assert "--lang zh_CN" in ran.err
    assert lang_option(["decide", "--", "--lang", "x"]) == (None, ["decide", "--", "--lang", "x"])


def test_the_version_is_an_option_too(kanhe: Kanhe) -> None:
    """`kanhe --version` says what `kanhe version` says."""
    assert kanhe("--version").out == kanhe("version").out != ""


def test_a_wrong_wish_is_told_before_the_demo_begins(kanhe: Kanhe) -> None:
    """Too few events are one line, and nothing before it."""
    ran = kanhe("demo", "--events", "100")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "kanhe: a simulation needs at least 5,000 events, not 100\n"


def test_advice_follows_the_language(kanhe: Kanhe, tmp_path: Path) -> None:
    """What is allowed but probably not meant is told in the language in use."""
    _pack(tmp_path, 'x = count("payment.declined", by="card", over="10m")\n')
    assert "feature x is used by no rule" in kanhe("policy", "check", "pack").out
    assert "没有规则用到特征 x" in kanhe("--lang", "zh_CN", "policy", "check", "pack").out


def test_tables_keep_everything_in_narrow_terminals(
    kanhe: Kanhe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In 80 columns no line is longer, no name to be copied is broken, and nothing is cut off."""
    monkeypatch.setenv("COLUMNS", "80")
    key_id = kanhe("keys", "create").out.split("_")[1]
    for arguments in (("keys", "list"), ("lists", "show"), ("events", "list"), ("policy", "show")):
        shown = kanhe(*arguments).out
        tables = [line for line in shown.splitlines() if line.startswith(("│", "┏", "└"))]
        assert tables
        assert max(map(len, tables)) <= 80
        assert not any("…" in line for line in tables)
    assert key_id in kanhe("keys", "list").out
    assert "account.password_changed" in kanhe("events", "list").out


def test_addresses_are_listed_as_events_spell_them(kanhe: Kanhe) -> None:
    """An entry that no event could ever match is refused, and another spelling is the same entry."""
    assert kanhe("lists", "add", "blocked_ips", "nonsense").code == 2
    assert kanhe("lists", "add", "blocked_ips", "2001:DB8:0::1").code == 0
    assert kanhe("lists", "show", "blocked_ips", "--json").json()[0]["value"] == "2001:db8::1"
    assert kanhe("lists", "remove", "blocked_ips", "2001:db8:0:0::1").code == 0


def test_numbers_are_grouped() -> None:
    """Whole numbers get thousands separators."""
    use_language("en")
    assert "1,234" in words("decide.summary", accepted=1234, repeated=0, refused=0)


def test_storage_errors_of_any_command_are_code_3(
    kanhe: Kanhe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever storage fails, the code is 3 and the text is the error's."""

    def broken(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr("kanhe.serve.cli.deciding.opened", broken)
    ran = kanhe("decide", "-", stdin=_event())
    assert (ran.code, ran.err) == (3, "kanhe: the disk is full\n")


def test_help_is_quick() -> None:
    """`kanhe --help` loads neither numba nor pyarrow nor a web server."""
    code = (
        "import sys; from kanhe.serve.cli.entry import run; run(['--help']);"
        "print([m for m in ('numba', 'pyarrow', 'uvicorn', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_no_two_phrases_have_one_key() -> None:
    """What stands in one file of phrases is not overlaid by another."""
    assert len(CATALOGUE) == sum(map(len, TABLES))
