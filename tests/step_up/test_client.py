"""The client's methods for step-up, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from kanhe.client import AsyncKanhe, Kanhe, Refused, Unreachable
from tests.step_up.building import PAYMENT, code_at
from tests.step_up.serving import Served, serving

VOUCHED = {"statement": "a code sent to the address on file"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for this file."""
    with serving(tmp_path_factory.mktemp("house")) as one:
        yield one


def test_a_payment_is_confirmed_with_the_client(served: Served) -> None:
    """From a factor to redeeming with the methods for threads; what is refused says why."""
    with Kanhe(served.url, key=served.token) as kanhe:
        user = "../u/1"
        made = kanhe.step_up.begin_factor(user, "totp", name="mei", requires=VOUCHED)
        code = code_at(made.secret, served.now_ms - 30_000)
        assert kanhe.step_up.confirm_factor(user, made.factor_id, code=code).confirmed
        assert [one.factor_id for one in kanhe.step_up.factors(user)] == [made.factor_id]
        asked = kanhe.step_up.begin(user, **PAYMENT, device="d-1", methods=["totp"])
        assert asked.methods == ("totp",)
        with pytest.raises(Refused) as refused:
            kanhe.step_up.send(asked.step_up_id)
        assert refused.value.type == "/problems/step-up-no-address"
        assert not kanhe.step_up.confirm(asked.step_up_id, **PAYMENT, code="000000").passed
        code = code_at(made.secret, served.now_ms)
        passed = kanhe.step_up.confirm(asked.step_up_id, **PAYMENT, code=code)
        assert passed.passed
        for repeated in (False, True):
            redeemed = kanhe.step_up.redeem(
                asked.step_up_id, confirmation=passed.confirmation, user=user, id="p-1", **PAYMENT
            )
            assert redeemed.repeated is repeated
        with pytest.raises(Refused, match="This user has a factor"):
            kanhe.step_up.remove_factor(user, made.factor_id)
        assert kanhe.step_up.begin_for_factors(user).methods == ("totp",)
        fresh = kanhe.step_up.begin_factor("u-9", "totp")
        code = code_at(fresh.secret, served.now_ms)
        kanhe.step_up.confirm_factor("u-9", fresh.factor_id, code=code)
        login = kanhe.step_up.begin_for_login("u-9", device="d-1")
        assert (login.methods, login.too_new) == ((), ("totp",))
        kanhe.step_up.remove_factor(
            user, made.factor_id, requires={"staff": "st-1", "statement": "lost phone"}
        )
        assert kanhe.step_up.factors(user) == []


def test_tasks_ask_the_same(served: Served) -> None:
    """The awaited methods do what those for threads do."""

    async def walk() -> None:
        async with AsyncKanhe(served.url, key=served.token) as kanhe:
            step_up = kanhe.step_up
            made = await step_up.begin_factor("u-2", "totp", requires=VOUCHED)
            code = code_at(made.secret, served.now_ms - 30_000)
            await step_up.confirm_factor("u-2", made.factor_id, code=code)
            asked = await step_up.begin("u-2", **PAYMENT)
            code = code_at(made.secret, served.now_ms)
            passed = await step_up.confirm(asked.step_up_id, **PAYMENT, code=code)
            said = {"confirmation": passed.confirmation, "user": "u-2", **PAYMENT}
            assert (await step_up.redeem(asked.step_up_id, **said)).redeemed
            with pytest.raises(Refused):
                await step_up.redeem(asked.step_up_id, **said)
            assert len(await step_up.factors("u-2")) == 1
            with pytest.raises(Refused):
                login = await step_up.begin_for_login("u-2")
                await step_up.redeem_login(login.step_up_id, confirmation="c", user="u-2")
            assert (await step_up.begin_for_factors("u-2")).methods == ("totp",)
            with pytest.raises(Refused):
                await step_up.send(asked.step_up_id)
            with pytest.raises(Refused):
                await step_up.remove_factor("u-2", made.factor_id)

    asyncio.run(walk())


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(503, json={"type": "/problems/overloaded", "status": 503}),
     httpx.Response(200, content=b"<html>"), httpx.Response(200, json={"redeemed": "maybe"}),
     httpx.Response(404, content=b"nginx"), None],
)  # fmt: skip
def test_nothing_but_a_go_ahead_is_one(answer: httpx.Response | None) -> None:
    """Whatever else answers, or nobody: the payment is not confirmed, and that is raised."""

    def handle(request: httpx.Request) -> httpx.Response:
        if answer is None:
            raise httpx.ConnectError("nobody there")
        return answer

    with (
        Kanhe("http://127.0.0.1:1", transport=httpx.MockTransport(handle)) as kanhe,
        pytest.raises(Unreachable),
    ):
        kanhe.step_up.redeem("su-x", confirmation="c", user="u", **PAYMENT)
