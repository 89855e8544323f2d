"""Everything Kanhe needs before the shop can begin, as people at the desk and on the command line make it.

(1) A one-time link to the desk for whoever looks at the example, every time. (2) The shop's API key and
(3) the webhook that tells the shop of decided cases, once: their secrets are not shown again. Prints
JSON with `link`, and with `key` and `webhook` where they were asked for by name.
"""

import json
import os
import sys
import time

from kanhe.app import open_keys
from kanhe.app.console import open_console
from kanhe.app.personnel import founder
from kanhe.core.settings import load_settings
from kanhe.stores.desk import accounts

VISITOR = "visitor@example.com"
ROLES = ("risk_analyst", "engineer", "auditor")
SCOPES = ("decide", "record", "step_up")


def main(wanted: list[str], url: str) -> None:
    """Make what is wanted."""
    settings = load_settings(environ=os.environ)
    made = {}
    if "key" in wanted:
        keys = open_keys(settings, now_ms)
        made["key"] = keys.create("default", "haishi", SCOPES, 0.0, 0, 0)
        keys.close()
    services = open_console(settings, now_ms)
    try:
        command = founder("make shop")
        if "webhook" in wanted:
            for old in services.outgoing.webhooks.all(command):
                # Made when the shop stood at another address.
                services.outgoing.webhooks.remove(command, old.id)
            _, made["webhook"] = services.outgoing.webhooks.add(
                command, url, ["case.resolved"], note="Haishi"
            )
        personnel = services.staffing.personnel
        with services.desk.writing() as connection:
            if accounts.account_of_mail(connection, VISITOR) is None:
                personnel.invite_as(connection, command, VISITOR, "Visitor 访客", "", ROLES)
            account = accounts.account_of_mail(connection, VISITOR)
            made["link"] = personnel.sign_in_link_as(connection, command, account)
    finally:
        services.close()
    print(json.dumps(made))


def now_ms() -> int:
    """The time of this machine."""
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    main(sys.argv[2:], sys.argv[1])
