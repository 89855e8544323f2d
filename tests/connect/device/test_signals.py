"""What the script says is read with suspicion."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.connect.device import Signals, read_signals


def test_what_the_script_writes_is_read() -> None:
    """Each number arrives under the name of its field; a page without the form's field says nothing."""
    said = read_signals('{"v":1,"p":2,"s":1,"w":true,"f":41250}')
    assert said == Signals(True, 41250, 2, 1, True)
    assert read_signals('{"v":1,"p":0,"s":0,"w":false}') == Signals(True, None, 0, 0, None)
    assert read_signals(None) == Signals()
    assert read_signals("") == Signals(has_script=False)


@pytest.mark.parametrize("said", [
    {"p": -1}, {"p": 1001}, {"f": 86_400_001}, {"f": 1.5}, {"w": 1}, {"w": "true"}, {"v": 2}, {"p": None},
    {"more": 1}, {"p": 1e300},
])  # fmt: skip
def test_what_it_never_writes_is_worth_nothing(said: dict[str, Any]) -> None:
    """Numbers out of bounds, other kinds, unknown names: as if the script had not run."""
    whole = {"v": 1, "p": 0, "s": 0, "w": False, **said}
    assert read_signals(json.dumps(whole)) == Signals(has_script=False)


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
def test_nothing_that_is_sent_is_an_error(said: str) -> None:
    """Whatever stands in the field, no visitor is turned away for it."""
    found = read_signals(said)
    assert found.has_script in (True, False)
    assert read_signals("[" * 250) == read_signals("\ud800") == Signals(has_script=False)
