"""Staff as casework asks for them: who may be given a case, and who may hand out those of others."""

from __future__ import annotations

from collections.abc import Sequence

from kanhe.app.access import Access
from kanhe.app.casework.people import Colleague
from kanhe.core.actor import Actor
from kanhe.protect.access.permissions import may
from kanhe.protect.access.roles import granted
from kanhe.stores.desk import accounts


class Colleagues:
    """Implements `casework.people.People` over the accounts of the desk."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def colleagues(self, tenant: str) -> Sequence[Colleague]:
        """Those who work on cases, may come in, and see this tenant; by name."""
        with self._access.desk.reading() as connection:
            known = accounts.roles(connection)
            found = [
                Colleague(one.id, one.name, one.mail, one.tenant)
                for one in accounts.accounts(connection)
                if not one.disabled_ms and may(granted(one.roles, known), "cases.work")
            ]
        return [one for one in found if not tenant or one.sees(tenant)]

    def may_assign(self, actor: Actor) -> bool:
        """Whether they have `cases.assign` now, whatever they had when they came in."""
        with self._access.desk.reading() as connection:
            account = accounts.account(connection, actor.staff)
            return account is not None and may(
                self._access.permissions(connection, account), "cases.assign"
            )
