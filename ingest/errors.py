"""What can go wrong, drawn as a tree. The type answers "may I try again?", the message is a sentence for the person.

IngestError
├── BadInput            the input or the request is wrong: say what to change       (exit 2)
│   ├── Unreadable      a file that can't be read as a table
│   ├── SqlMistake      SQL that somebody typed can't be run here: where, and what to write
│   └── NotReady        the step before this one isn't finished, or a question is open
├── Outside             another system failed: trying again may help                (exit 3)
│   ├── Unreachable     no answer at all: network, time-out
│   ├── Refused         it answered no: the key, the organisation, the request   (exit 2, unless it is busy or broken)
│   └── DiskFull        no room left
└── Broken              our own promise failed (rows not conserved, a changed plan): nothing goes on
    └── LeaseLost       another worker has taken this job over: stop without a trace
"""

import traceback


class IngestError(Exception):
    """A failure with a sentence for the person who ran into it. `todo` says what to do, where that isn't in the sentence."""

    exit_code = 3

    def __init__(self, sentence: str, todo: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.sentence} {self.todo}".strip()


class BadInput(IngestError):
    """The input or the request is wrong."""

    exit_code = 2


class Unreadable(BadInput):
    """A file that can't be read as a table."""


class SqlMistake(BadInput):
    """SQL that can't be read or run. `line` and `column` count from 1 (0: not known); `pointed` is the text they point at."""

    def __init__(self, sentence: str, todo: str = "", line: int = 0, column: int = 0, pointed: str = "") -> None:
        super().__init__(sentence, todo)
        self.line, self.column, self.pointed = line, column, pointed

    def __str__(self) -> str:
        return f"Line {self.line}, column {self.column}: {super().__str__()}" if self.line else super().__str__()


class NameTaken(BadInput):
    """The account has something of this name from elsewhere, which can be taken over."""


class NotReady(BadInput):
    """A step before this one isn't finished, or a question has no answer."""


class Outside(IngestError):
    """Another system failed; trying again may help."""

    exit_code = 3


class Unreachable(Outside):
    """The other system gave no answer. `sent` is False where nothing can have reached it; else what it did is unknown."""

    def __init__(self, sentence: str, todo: str = "", *, sent: bool = True) -> None:
        super().__init__(sentence, todo)
        self.sent = sent


class Refused(Outside):
    """The other system answered no. `status` is its HTTP status; `retry_after` is in seconds, where it said so."""

    def __init__(self, sentence: str, todo: str = "", *, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(sentence, todo)
        self.status = status
        self.retry_after = retry_after
        self.exit_code = 2 if 400 <= status < 500 and status != 429 else 3  # a no that stays a no needs another request, not another try


class DiskFull(Outside):
    """No room left in the data folder."""


class Broken(IngestError):
    """A promise of this program failed. Nothing goes on; the import is left as it was."""


class LeaseLost(Broken):
    """Another worker has taken this job over."""


def places(error: BaseException) -> str:
    """Where a failure came from, innermost first, without any message: one may hold a customer's data or a secret."""
    frames = " ← ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(traceback.extract_tb(error.__traceback__)[-12:]))
    cause = error.__cause__ or error.__context__
    return f"{type(error).__name__} at {frames}" + (f", after {places(cause)}" if cause else "")
