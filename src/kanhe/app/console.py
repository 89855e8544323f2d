"""What the console works with, put together: the desk's file, those who work on it, what runs beside.

Each area adds one field to `Services` and builds it in `open_console`.
"""

from __future__ import annotations

from pathlib import Path

from kanhe.app.access import console_key
from kanhe.app.casework import open_casework
from kanhe.app.casework.beside import Beside
from kanhe.app.desk_file import open_desk
from kanhe.app.judge_link import JudgeLink
from kanhe.app.listkeeping import Listkeeping
from kanhe.app.looking import Looking
from kanhe.app.loops import Loops
from kanhe.app.outgoing import open_outgoing
from kanhe.app.rulebook import open_rulebook
from kanhe.app.staffing import open_staffing
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.protect.access.aliases import Aliases
from kanhe.stores.desk.database import Desk


class Services:
    """All that pages work with, and what runs beside them."""

    def __init__(self, settings: Settings, clock: Clock, desk: Desk) -> None:
        self.settings = settings
        self.clock = clock
        self.desk = desk
        self.loops = Loops()
        folder = Path(settings.data_dir)
        self.staffing = open_staffing(settings, desk, clock)
        self.judge = JudgeLink(folder)
        self.rulebook = open_rulebook(settings, self.judge, desk, clock)
        self.lists = Listkeeping(settings, self.judge, desk, clock)
        self.casework = open_casework(
            desk, clock, folder, self.staffing.colleagues, console_key(folder)
        )
        self.journal = Beside(settings, self.casework)
        self.loops.add("alerts", 0.5, self.journal.take_up)
        self.loops.add("cases", 15.0, self.journal.tend)
        self.loops.add("explaining", 3_600.0, self.journal.warm)
        self.aliases = Aliases(console_key(folder))
        self.looking = Looking(settings, clock, self.judge, desk)
        self.rulebook.analyst = self.looking
        self.outgoing = open_outgoing(settings, desk, clock, self.judge)
        self.outgoing.run_in(self.loops)

    def start(self) -> None:
        """Have what runs beside the pages begin."""
        self.loops.start()

    def close(self) -> None:
        """Stop what runs beside, and release the files."""
        self.loops.close()
        self.looking.close()
        self.outgoing.close()
        self.rulebook.close()
        self.judge.close()
        self.desk.close()


def open_console(settings: Settings, clock: Clock) -> Services:
    """Open the desk in `settings.data_dir`, made if it is new. What runs beside begins with `start`.

    Raises `StorageError` if the folder or the file cannot be used.
    """
    return Services(settings, clock, open_desk(settings))
