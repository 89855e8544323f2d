"""Files of cases: on disk under the hash of their content, in the desk by name and case."""

from __future__ import annotations

from threading import Lock
from typing import Protocol

from kanhe.app.casework.work import CaseNotFound
from kanhe.core.actor import Actor
from kanhe.core.time import Clock
from kanhe.respond import evidence
from kanhe.respond.evidence import Evidence, EvidenceError
from kanhe.stores.desk import case_history, cases, outgoing
from kanhe.stores.desk.database import Desk


class Store(Protocol):
    """Where contents lie."""

    def keep(self, digest: str, content: bytes) -> None:
        """Keep a content under its digest, durable when it returns."""

    def read(self, digest: str) -> bytes:
        """The content. Raises `StorageError` if it is missing or no longer what it was."""

    def drop(self, digest: str) -> None:
        """Destroy a content; one that is not there is no error."""


class Files:
    """What people add to cases."""

    def __init__(self, desk: Desk, clock: Clock, store: Store) -> None:
        self._desk = desk
        self._clock = clock
        self._store = store
        # Two cases may hold one content: while one of them drops it, no other may come to name it.
        self._turn = Lock()

    def add(self, actor: Actor, number: int, name: str, content: bytes) -> int:
        """Add a file to a case; gives its id. Raises `EvidenceError`, `CaseNotFound`."""
        accepted = evidence.accepted(name, content)
        self._check(actor, number)
        with self._turn:
            # The content first: a crash in between leaves a file that nothing names, never a name
            # without its file.
            self._store.keep(accepted.digest, content)
            now = self._clock()
            with self._desk.writing() as connection:
                row = cases.find(connection, number)
                if row is None or not actor.sees(row.tenant):
                    raise CaseNotFound(f"there is no case {number}")
                if case_history.count_files(connection, number) >= evidence.MOST_FILES:
                    raise EvidenceError(
                        "too_many", f"a case has at most {evidence.MOST_FILES} files"
                    )
                id = case_history.add_file(connection, number, actor.staff, accepted, now)
                detail = {"name": accepted.name, "size": accepted.size, "digest": accepted.digest}
                case_history.tell(connection, number, actor.staff, "filed", now, detail)
                outgoing.tell_of(
                    connection, actor, "created", "evidence", now,
                    tenant=row.tenant, ticket=f"case-{number}", note="case.filed",
                )  # fmt: skip
        return id

    def read(self, actor: Actor, number: int, id: int) -> tuple[Evidence, bytes]:
        """A file of a case with its content; that it was handed out is told.

        Raises `CaseNotFound`, `StorageError`.
        """
        with self._desk.writing() as connection:
            row = cases.find(connection, number)
            filed = case_history.find_file(connection, number, id)
            if row is None or filed is None or not actor.sees(row.tenant):
                raise CaseNotFound(f"there is no file {id} in case {number}")
            outgoing.tell_of(
                connection, actor, "downloaded", "evidence", self._clock(),
                tenant=row.tenant, ticket=f"case-{number}", note="case.file_read",
            )  # fmt: skip
        return filed.evidence, self._store.read(filed.evidence.digest)

    def remove(self, actor: Actor, number: int, id: int) -> None:
        """Take a file from a case; its content is destroyed with the last case that had it.

        Raises `CaseNotFound`.
        """
        with self._turn:
            with self._desk.writing() as connection:
                row = cases.find(connection, number)
                filed = case_history.find_file(connection, number, id)
                if row is None or filed is None or not actor.sees(row.tenant):
                    raise CaseNotFound(f"there is no file {id} in case {number}")
                digest = case_history.drop_file(connection, number, id)
                detail = {"digest": filed.evidence.digest}
                now = self._clock()
                case_history.tell(connection, number, actor.staff, "unfiled", now, detail)
                outgoing.tell_of(
                    connection, actor, "deleted", "evidence", now,
                    tenant=row.tenant, ticket=f"case-{number}", note="case.file_removed",
                )  # fmt: skip
            if digest:
                self._store.drop(digest)

    def _check(self, actor: Actor, number: int) -> None:
        with self._desk.reading() as connection:
            row = cases.find(connection, number)
        if row is None or not actor.sees(row.tenant):
            raise CaseNotFound(f"there is no case {number}")
