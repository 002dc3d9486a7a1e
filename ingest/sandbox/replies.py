"""What the sandbox answers: JSON with exact decimals, and the documented shapes of a refusal."""

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from starlette.responses import Response

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Raw(str):
    """JSON text that is written already."""


class Refusal(Exception):
    """An answer that isn't 2xx."""

    def __init__(self, status: int, document: object) -> None:
        super().__init__(status)
        self.status = status
        self.document = document


def bad_request(text: str) -> Refusal:
    """400 with a text, as for duplicates and business rules."""
    return Refusal(400, {"detail": text})


def not_found(text: str) -> Refusal:
    """404 with a text."""
    return Refusal(404, {"detail": text})


def problem(loc: list[str | int], msg: str, kind: str) -> dict[str, object]:
    """One entry of a validation error. Source: the documentation's HTTPValidationError."""
    return {"loc": loc, "msg": msg, "type": kind}


def invalid(*problems: dict[str, object]) -> Refusal:
    """422 with the documented HTTPValidationError."""
    return Refusal(422, {"detail": list(problems)})


def invalid_field(place: str, field: str, msg: str, kind: str = "value_error") -> Refusal:
    """422 for one field of the body or the query."""
    return invalid(problem([place, field], msg, kind))


def exact(value: object) -> str:
    """JSON text; decimals become plain numbers with every digit, timestamps ISO 8601 in UTC."""
    match value:
        case Raw():
            return value
        case dict():
            return "{" + ",".join(f"{text(str(key))}:{exact(each)}" for key, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(map(exact, value)) + "]"
        case Decimal():
            return decimal_text(value)
        case datetime():
            return f'"{timestamp_text((value.replace(tzinfo=UTC) - EPOCH) // MICROSECOND)}"'
        case date():
            return f'"{value.isoformat()}"'
        case float() if not math.isfinite(value):
            return "null"
        case _:
            return json.dumps(value, ensure_ascii=False)


def text(value: str) -> str:
    """A JSON string."""
    return json.encoder.encode_basestring(value)


def decimal_text(value: Decimal) -> str:
    """A JSON number with every digit and no needless zero; scientific only where plain digits would be absurdly long."""
    if abs(value.adjusted()) > 40:
        return str(value)
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def timestamp_text(microseconds: int) -> str:
    """`2026-06-17T14:03:12Z`, with three or six digits of a second where there are any."""
    moment = EPOCH + microseconds * MICROSECOND
    digits = "seconds" if moment.microsecond == 0 else "milliseconds" if moment.microsecond % 1000 == 0 else "microseconds"
    return moment.isoformat(timespec=digits)[:-6] + "Z"


class ExactJSON(Response):
    """A reply written by `exact`."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        return exact(content).encode()


def read_json(body: bytes) -> object:
    """The document in a body, numbers with a point as exact decimals. Raises Refusal (422) for anything that isn't JSON in UTF-8."""
    try:
        written = body.decode("utf-8")
        document = json.loads(written, parse_float=Decimal, parse_constant=_not_json)
        if "\\ud" in written.lower():
            json.dumps(document, ensure_ascii=False, default=str).encode()
        return document
    except (ValueError, RecursionError) as error:
        where = getattr(error, "pos", 0)
        raise invalid(problem(["body", where], "The body isn't JSON in UTF-8", "value_error.jsondecode")) from None


def read_object(body: bytes) -> dict[str, object]:
    """The JSON object in a body."""
    document = read_json(body)
    if not isinstance(document, dict):
        raise invalid(problem(["body"], "value is not a valid dict", "type_error.dict"))
    return document


def _not_json(name: str) -> None:
    raise ValueError(name)
