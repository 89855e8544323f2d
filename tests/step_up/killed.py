"""A process that confirms payments until it is killed, and says what it has answered."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.step_up.building import PAYMENT, House, question


def main() -> None:
    """Confirm one payment after the other; print each answer once it is given."""
    house = House(Path(sys.argv[1]))
    number = 0
    while True:
        number += 1
        user = f"u-{number}"
        asked = house.asking.begin(question(user, mail=f"{user}@example.com"))
        house.asking.send("shop", asked.id)
        code = house.mailbox.code
        judged = house.asking.confirm("shop", asked.id, PAYMENT, code, "")
        print(user, asked.id, code.replace(" ", ""), judged.confirmation, flush=True)


if __name__ == "__main__":
    main()
