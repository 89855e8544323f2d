"""Settings: what wins, what is refused, and what the message says."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanhe.core.errors import SettingsError
from kanhe.core.settings import SETTINGS, Settings, load_settings


def test_defaults_hold_when_nothing_is_said(tmp_path: Path) -> None:
    """Without options, environment and file the settings are the defaults."""
    assert load_settings({}, {}, tmp_path) == Settings()


def test_options_win_over_environment_over_file(tmp_path: Path) -> None:
    """The strongest place that names a setting decides."""
    (tmp_path / "kanhe.toml").write_text('port = 1\nhost = "a"\ndata_dir = "file"\n')
    environ = {"KANHE_PORT": "2", "KANHE_HOST": "b", "PATH": "/bin"}
    got = load_settings({"port": 3, "host": None}, environ, tmp_path)
    assert (got.port, got.host, got.data_dir) == (3, "b", "file")


def test_every_setting_is_in_the_table_once() -> None:
    """The table names each field of `Settings`, with both languages and a variable."""
    assert [s.name for s in SETTINGS] == [
        name for name in Settings.__struct_fields__ if name in {s.name for s in SETTINGS}
    ]
    assert {s.name for s in SETTINGS} == set(Settings.__struct_fields__)
    assert all(s.en and s.zh and s.env == "KANHE_" + s.name.upper() for s in SETTINGS)


def test_defaults_are_within_their_ranges() -> None:
    """Every default would be accepted if somebody wrote it down."""
    for setting in SETTINGS:
        assert load_settings({setting.name: setting.default}) is not None


@pytest.mark.parametrize(
    ("place", "name", "hint"),
    [("options", "prot", "port"), ("file", "data_dri", "data_dir"), ("env", "KANHE_PROT", "PORT")],
)
def test_unknown_names_are_refused_with_the_nearest(
    tmp_path: Path, place: str, name: str, hint: str
) -> None:
    """A typing mistake is refused wherever it stands, and the nearest name is offered."""
    if place == "file":
        (tmp_path / "kanhe.toml").write_text(f'{name} = "x"\n')
    options = {name: "x"} if place == "options" else {}
    environ = {name: "1"} if place == "env" else {}
    with pytest.raises(SettingsError, match=f"did you mean .*{hint}"):
        load_settings(options, environ, tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "70000"),
        ("port", "-1"),
        ("port", "eighty"),
        ("port", "８０８０"),
        ("port", True),
        ("port", 1.5),
        ("port", ""),
        ("host", 7),
        ("require_keys", "maybe"),
        ("require_keys", 1),
        ("log_level", "loud"),
        ("body_timeout_ms", "ten seconds"),
        ("body_timeout_ms", "0s"),
        ("max_body_bytes", 10),
        ("max_body_bytes", "9" * 40),
    ],
)
def test_bad_values_are_refused(name: str, value: object) -> None:
    """A value of the wrong kind or out of range is refused by name, with what was expected."""
    with pytest.raises(SettingsError, match=name):
        load_settings({name: value})


def test_more_memory_reserved_than_allowed_is_refused() -> None:
    """Two settings that contradict each other are both named."""
    with pytest.raises(SettingsError, match=r"state_reserve_mib is 512.*state_limit_mib.*256"):
        load_settings({"state_limit_mib": 256, "state_reserve_mib": 512})
    settings = load_settings({"state_limit_mib": 256, "state_reserve_mib": 256})
    assert settings.state_reserve_mib == 256


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("body_timeout_ms", "5s", 5_000),
        ("body_timeout_ms", "250", 250),
        ("snapshot_every_ms", "10m", 600_000),
        ("require_keys", "false", False),
        ("require_keys", "YES", True),
        ("port", " 8081 ", 8081),
    ],
)
def test_texts_of_the_environment_become_values(name: str, text: str, value: object) -> None:
    """Numbers, durations and truth values are read from their texts."""
    setting = next(s for s in SETTINGS if s.name == name)
    assert getattr(load_settings({}, {setting.env: text}), name) == value


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    """`KANHE_CONFIG` names a file, which is read from wherever it lies, and missed if absent."""
    path = tmp_path / "other.toml"
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings({}, {"KANHE_CONFIG": str(path)})
    path.write_text("port = 99\n")
    assert load_settings({}, {"KANHE_CONFIG": str(path)}).port == 99


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe", b"[server]\nport = 1\n"])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that is no TOML, no UTF-8, or has sections is refused with its path."""
    (tmp_path / "kanhe.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"kanhe\.toml"):
        load_settings({}, {}, tmp_path)
