"""What happens to the batches of one push, written down while they are sent."""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, update

from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.pushes import SETTLED, Answer, Batch, hold_fence
from ingest.store.schema import attempts, batches

_ONE = (batches.c.push_id == bindparam("of"), batches.c.number == bindparam("nr"))
_INTEND = update(batches).where(*_ONE).values(state="sending", attempts=batches.c.attempts + 1, first_sent_at=func.coalesce(batches.c.first_sent_at, bindparam("moment")))
_WITHDRAW = update(batches).where(*_ONE).values(state=bindparam("to"), attempts=bindparam("tries"), first_sent_at=bindparam("moment"))
_SETTLE = update(batches).where(*_ONE).values(state=bindparam("to"), status=bindparam("http"), message=bindparam("words"), settled_at=bindparam("moment"))
_NOTE = insert(attempts)


class Recorder:
    """Intents and answers of one push under one fence: a batch is sent only when its intent is on the disk; answers follow as fast as the disk takes them.

    Nobody waits for the disk while a request could be on its way: an answer that a crash takes along leaves its batch "sending", and such a batch
    is sent again under the same key or looked up in the account. `stop_asked` tells, as of the last commit, whether somebody asked the push to stop.
    What a write ran into (LeaseLost, a full disk) is raised by every later call.
    """

    def __init__(self, push_id: str, fence: int) -> None:
        self._push_id, self._fence = push_id, fence
        self._intents: deque[int] = deque()
        self._answers: deque[Answer] = deque()
        self._clerk = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._failure: Exception | None = None
        self.stop_asked = False

    def intend(self, numbers: Iterable[int]) -> None:
        """Notes that these batches may be on their way from now on; returns when that is on the disk."""
        self._intents.extend(numbers)
        self._next_commit().result()

    def note(self, answer: Answer) -> None:
        """Notes what an attempt brought; it is on the disk with the next commit."""
        self._answers.append(answer)
        self._next_commit()

    def settle(self) -> None:
        """Returns when everything noted is on the disk."""
        self._next_commit().result()

    def withdraw(self, unsent: Iterable[Batch]) -> None:
        """Takes back the intents of batches that were not sent after all: they are as they were before."""
        self.settle()
        rows = [{"of": self._push_id, "nr": batch.number, "to": batch.state, "tries": batch.attempts, "moment": batch.first_sent_at} for batch in unsent]
        with store().begin() as connection:
            hold_fence(connection, self._push_id, self._fence)
            if rows:
                connection.execute(_WITHDRAW, rows)

    def close(self) -> None:
        """Writes what is noted, if it still can, and ends."""
        self._clerk.shutdown()

    def _next_commit(self) -> Future[None]:
        if self._failure:
            raise self._failure
        return self._clerk.submit(self._commit)

    def _commit(self) -> None:
        """Writes all that has come together since the last commit; the later ones of a crowd find nothing left to do."""
        if self._failure:
            raise self._failure
        intents, answers = _all_of(self._intents), _all_of(self._answers)
        if not intents and not answers:
            return
        try:
            with store().begin() as connection:
                self.stop_asked = hold_fence(connection, self._push_id, self._fence)
                self._intend(connection, intents)
                self._answer(connection, answers)
        except Exception as error:  # kept for every later call: nothing may be sent that can't be written down
            self._failure = error
            raise

    def _intend(self, connection: Connection, numbers: list[int]) -> None:
        if numbers:
            moment = now()
            connection.execute(_INTEND, [{"of": self._push_id, "nr": number, "moment": moment} for number in numbers])

    def _answer(self, connection: Connection, answers: list[Answer]) -> None:
        if answers:
            moment = now()
            connection.execute(_SETTLE, [{"of": self._push_id, "nr": each.number, "to": each.state, "http": each.status, "words": each.message, "moment": moment if each.state in SETTLED else None} for each in answers])
            connection.execute(_NOTE, [
                {"push_id": self._push_id, "number": each.number, "fence": self._fence, "started_at": each.started_at, "ended_at": each.ended_at, "outcome": each.outcome, "status": each.status, "message": each.message}
                for each in answers
            ])


def _all_of(queue: deque[Any]) -> list[Any]:
    taken = []
    while queue:
        taken.append(queue.popleft())
    return taken
