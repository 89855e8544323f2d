"""The breaker opens, tries and closes as it says, whatever happens in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kanhe.client.breaker import OVERDUE_S, TRIAL_S, Breaker


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _breaker(time: Time, failures: int = 3) -> Breaker:
    return Breaker(failures, 1.0, 8.0, monotonic=time, chance=lambda: 0.5)


def test_it_opens_after_failures_in_a_row() -> None:
    """The third failure in a row opens it; an answer in between begins the count anew."""
    time = Time()
    one = _breaker(time)
    assert [one.failed(), one.failed()] == [False, False]
    one.succeeded(answered=True)
    assert [one.failed(), one.failed(), one.state, one.failed()] == [False, False, "closed", True]
    assert one.state == "open"
    assert not one.admits()
    assert one.opened == 1


def test_the_background_makes_the_trial() -> None:
    """When the pause is over the background has its trial, once, and no question is let through."""
    time = Time()
    one = _breaker(time, 1)
    one.failed()
    assert not one.trial()
    time.now += 1.01
    assert not one.admits()
    assert [one.trial(), one.trial(), one.state] == [True, False, "half-open"]
    assert not one.admits()
    assert one.succeeded(answered=False)
    assert one.admits()


def test_a_question_is_the_trial_where_no_background_runs() -> None:
    """A trial that nobody makes falls to one question, later."""
    time = Time()
    one = _breaker(time, 1)
    one.failed()
    time.now += 1.01 + OVERDUE_S
    assert [one.admits(), one.admits()] == [True, False]


def test_pauses_double_up_to_the_longest_and_begin_anew_with_an_answer() -> None:
    """Each failed trial doubles the pause; a health check alone does not make it short again."""
    time = Time()
    one = _breaker(time, 1)
    one.failed()
    waits = []
    for _ in range(5):
        waits.append(round(one.wait_s(), 3))
        time.now += one.wait_s()
        assert one.trial()
        one.failed()
    assert waits == [1.0, 2.0, 4.0, 8.0, 8.0]
    time.now += one.wait_s()
    assert one.trial()
    one.succeeded(answered=False)
    one.failed()
    assert one.wait_s() == 8.0
    time.now += 8.0
    assert one.trial()
    one.succeeded(answered=True)
    one.failed()
    assert one.wait_s() == 1.0


def test_a_trial_that_never_reports_is_made_again() -> None:
    """A worker that dies in its trial does not keep the breaker open for ever."""
    time = Time()
    one = _breaker(time, 1)
    one.failed()
    time.now += 1.0
    assert one.trial()
    time.now += TRIAL_S
    assert one.trial()


@given(st.lists(st.sampled_from(["ask", "trial", "ok", "ready", "fail", "wait"]), max_size=60))
def test_it_never_stays_shut(steps: list[str]) -> None:
    """After any history, waiting long enough brings a trial, and its success closes the breaker."""
    time = Time()
    one = _breaker(time, 2)
    for step in steps:
        match step:
            case "ask":
                one.admits()
            case "trial":
                one.trial()
            case "ok" | "ready":
                one.succeeded(answered=step == "ok")
            case "fail":
                one.failed()
            case "wait":
                time.now += 3.0
        assert one.state != "closed" or one.wait_s() == 0
        assert one.wait_s() <= 8.0 * 1.2 + TRIAL_S
    time.now += 30.0
    assert one.admits()
    one.succeeded(answered=True)
    assert one.state == "closed"
