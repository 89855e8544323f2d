"""`kanhe init` and `kanhe staff`: what whoever runs the server may do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kanhe.app.access import console_key
from kanhe.core.errors import StorageError
from kanhe.serve.cli.entry import run
from tests.access.office import Office

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command on a data folder; gives its code and what it printed."""

    def said(*words: str, lang: str = "en") -> tuple[int, str, str]:
        code = run([*words, "--data-dir", str(tmp_path)], {"KANHE_LANG": lang})
        out, err = capsys.readouterr()
        return code, out, err

    return said


def _office(tmp_path: Path) -> Office:
    """The same desk from the side of the console."""
    return Office(tmp_path / "desk.db")


def test_init_prints_one_link_and_no_password(say: Say, tmp_path: Path) -> None:
    """It may be asked again until somebody can sign in; the link before opens nothing then."""
    code, first, _ = say("init")
    assert code == 0
    assert "/first/" in first
    assert "no default password" in first
    _, second, _ = say("init", "--json")
    link = json.loads(second)["link"]
    assert (tmp_path / "console.key").stat().st_mode & 0o077 == 0
    office = _office(tmp_path)
    old = next(word for word in first.split() if "/first/" in word)
    # The office has a clock of its own: at its time both links are as new.
    assert office.staffing.enrolling.invitation(old.rpartition("/")[2]) is None
    assert link != old
    office.desk.close()


def test_init_refuses_once_somebody_can_sign_in(say: Say, tmp_path: Path) -> None:
    """Then it says who manages staff; `--again` prints a link all the same, and is recorded."""
    office = _office(tmp_path)
    office.found()
    office.desk.close()
    code, out, err = say("init")
    assert (code, out) == (1, "")
    assert "mia@example.com" in err
    assert "--again" in err
    _, _, chinese = say("init", lang="zh")
    assert "员工管理人员" in chinese
    code, out, _ = say("init", "--again")
    assert code == 0
    assert "/first/" in out
    office = _office(tmp_path)
    assert ("granted_access", "system", "link for a security manager, access lost") in office.told()
    office.desk.close()


def test_staff_are_invited_listed_and_disabled(say: Say) -> None:
    """Each command does its work, in both languages and as JSON."""
    assert "kanhe init" in say("staff", "list")[1]
    code, out, _ = say(
        "staff",
        "invite",
        "ana@example.com",
        "--name",
        "Ana Li 李安娜",
        "--role",
        "auditor",
        "--json",
    )
    told = json.loads(out)
    assert code == 0
    assert "/first/" in told["link"]
    (one,) = json.loads(say("staff", "list", "--json")[1])
    assert (one["id"], one["state"], one["roles"]) == (told["id"], "invited", ["auditor"])
    assert "已邀请" in say("staff", "list", lang="zh")[1]
    assert "/sign-in/link/" in say("staff", "sign-in-link", "ANA@example.com")[1]
    assert "/first/" in say("staff", "invite-again", told["id"])[1]
    assert "have ended" in say("staff", "disable", "ana@example.com")[1]
    assert json.loads(say("staff", "list", "--json")[1])[0]["state"] == "disabled"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("invite", "a@x.yz", "--name", "A", "--role", "risk_analyst", "--role", "rule_approver"), "不同人员"),
        (("invite", "a@x.yz", "--name", "A", "--role", "king"), "king"),
        (("invite", "no mail", "--name", "A", "--role", "auditor"), "邮箱"),
        (("sign-in-link", "nobody@example.com"), "没有找到"),
        (("invite-again", "nobody@example.com"), "没有找到"),
        (("disable", "st-nobody"), "没有找到"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told(say: Say, words: tuple[str, ...], why: str) -> None:
    """A refusal says why in the language spoken, and ends with 1."""
    code, out, err = say("staff", *words, lang="zh")
    assert (code, out) == (1, "")
    assert why in err


def test_the_key_is_made_once_and_never_taken_damaged(tmp_path: Path) -> None:
    """Whoever comes second reads the first one's key; a key that was cut off is told, not used."""
    first = console_key(tmp_path)
    assert len(first) == 32
    assert console_key(tmp_path, lambda size: bytes(size)) == first
    path = tmp_path / "console.key"
    path.chmod(0o640)
    with pytest.raises(StorageError, match="chmod 600"):
        console_key(tmp_path)
    path.chmod(0o600)
    path.write_bytes(b"")
    with pytest.raises(StorageError, match="damaged"):
        console_key(tmp_path)
    with pytest.raises(StorageError):
        console_key(tmp_path / "nowhere")
