"""`POST /usage/{slug}`: one event or an array of them, in; all of it durable, or nothing."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from ingest.sandbox.fields import read_timestamp
from ingest.sandbox.replies import EPOCH, MICROSECOND, Refusal, bad_request, exact, invalid, not_found, problem, read_json, text
from ingest.sandbox.store import Metric, Remembered, Store, window_start
from ingest.sandbox.switches import Switches

SHOWN = 15
"""How many problems a refusal lists."""
ROOT = ("customer_id", "timestamp", "data")
OK = '{"status":"ok"}'


class BadEvent(Exception):
    """One event that can't be taken. `root` is a documented validation entry; `data` is a sentence."""

    def __init__(self, *, root: list[dict[str, object]] | None = None, data: str = "") -> None:
        super().__init__(data)
        self.root = root or []
        self.data = data


@dataclass
class Reading:
    """The good events of a body as rows of the table, and what is wrong with the others."""

    rows: list[list[object]] = field(default_factory=list)
    root: list[dict[str, object]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)

    def refusal(self) -> Refusal | None:
        """How the bad events are answered: 422 where a root field is wrong, else 400 in words."""
        if self.root:
            return invalid(*self.root[:SHOWN])
        if self.data:
            rest = len(self.data) - SHOWN
            return bad_request("; ".join(self.data[:SHOWN]) + (f"; and {rest} more" if rest > 0 else ""))
        return None


class Usage:
    """Takes events. Two requests with one key never run at the same time."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store = store
        self._switches = switches
        self._keys = threading.Lock()
        self._running: set[str] = set()

    def post(self, slug: str, body: bytes, key: str | None, now: datetime) -> tuple[int, str]:
        """Status and JSON text of the answer. Raises Refusal."""
        metric = self._store.metric(slug)
        if metric is None:
            raise not_found(f"Usage event with slug '{slug}' was not found")
        if key is None:
            return self._take(metric, body, None, now)
        if not 0 < len(key) <= 255:
            raise bad_request("An Idempotency-Key has 1 to 255 characters")
        with self._only_one(key):
            return self._once(metric, body, key, now)

    def _once(self, metric: Metric, body: bytes, key: str, now: datetime) -> tuple[int, str]:
        fingerprint = hashlib.sha256(metric.slug.encode() + b"\0" + body).hexdigest()
        known = self._store.remembered(key, window_start(now, self._switches.idempotency_hours))
        if known is None:
            return self._take(metric, body, (key, fingerprint), now)
        if known.fingerprint != fingerprint:
            raise Refusal(self._switches.conflict_status, {"detail": "This Idempotency-Key was used with another body before"})
        return known.status, known.reply

    @contextmanager
    def _only_one(self, key: str) -> Iterator[None]:
        with self._keys:
            if key in self._running:
                raise Refusal(409, {"detail": "A request with this Idempotency-Key is still being processed"})
            self._running.add(key)
        try:
            yield
        finally:
            with self._keys:
                self._running.discard(key)

    def _take(self, metric: Metric, body: bytes, key: tuple[str, str] | None, now: datetime) -> tuple[int, str]:
        reading = read_events(read_json(body), metric, self._switches)
        refusal = reading.refusal()
        if refusal and self._switches.bad_events == "refuse_all":
            raise refusal
        refused = refusal and self._switches.bad_events == "store_good_then_refuse"
        self._write(metric, reading.rows, None if refused else key, now)
        if refused:
            raise refusal
        return 200, OK

    def _write(self, metric: Metric, rows: list[list[object]], key: tuple[str, str] | None, now: datetime) -> None:
        """Events and the reply to their key become durable together: a kill between the two would store the events again."""
        events = _table(metric, rows, now) if rows else None
        reply = Remembered(key[1], 200, OK, now) if key else None
        with self._store.writing() as writer:
            if events:
                self._store.add_events(writer, metric, events)
            if reply:
                self._store.remember(writer, key[0], reply)
        if reply:
            self._store.recall(key[0], reply)


def read_events(document: object, metric: Metric, switches: Switches) -> Reading:
    """Reads one event or an array. Raises Refusal where the body as a whole can't be taken."""
    if not isinstance(document, list):
        return _read_all([document], metric, switches, single=True)
    if not document:
        raise invalid(problem(["body"], "ensure this value has at least 1 items", "value_error.list.min_items"))
    if switches.max_events and len(document) > switches.max_events:
        raise invalid(problem(["body"], f"ensure this value has at most {switches.max_events} items", "value_error.list.max_items"))
    return _read_all(document, metric, switches, single=False)


def _read_all(events: list[object], metric: Metric, switches: Switches, *, single: bool) -> Reading:
    reading = Reading()
    lenient = switches.data_fields == "lenient"
    for number, event in enumerate(events):
        try:
            reading.rows.append(_read_event(event, metric, lenient))
        except BadEvent as bad:
            reading.root += [{**each, "loc": ["body", *([] if single else [number]), *each["loc"]]} for each in bad.root]
            reading.data += [bad.data if single else f"Event {number + 1}: {bad.data}"] if bad.data else []
    return reading


def _read_event(event: object, metric: Metric, lenient: bool) -> list[object]:
    if not isinstance(event, dict):
        raise BadEvent(root=[problem([], "value is not a valid dict", "type_error.dict")])
    customer, moment, data = map(event.get, ROOT)
    if not isinstance(customer, str) or not customer or not isinstance(data, dict):
        raise BadEvent(root=_root_problems(event, metric))
    try:
        microseconds = read_timestamp(moment, metric.timestamp_digits)
    except (ValueError, OverflowError):
        raise BadEvent(root=_root_problems(event, metric)) from None
    if len(event) > 3 and not lenient:
        raise BadEvent(data=f"unknown field {next(name for name in event if name not in ROOT)!r}; valid fields are customer_id, timestamp, data")
    values, written = _read_data(data, metric, lenient)
    return [customer, microseconds, written, *map(values.get, metric.fields)]


def _read_data(data: dict[str, object], metric: Metric, lenient: bool) -> tuple[dict[str, object], str]:
    values, written, kinds = {}, [], metric.kinds
    for name, value in data.items():
        if name not in kinds:
            if not lenient:
                raise BadEvent(data=f"unknown field 'data.{name}'; valid fields are {', '.join(kinds) or 'none'}")
            shown = exact(value)
        elif value is None:
            shown = "null"
        else:
            values[name], shown = _read_value(name, value, metric, lenient)
        written.append(f"{text(name)}:{shown}")
    return values, "{" + ",".join(written) + "}"


def _read_value(name: str, value: object, metric: Metric, lenient: bool) -> tuple[object, str]:
    try:
        return metric.kinds[name].read(value)
    except (ValueError, ArithmeticError) as error:
        if lenient and isinstance(value, str) and metric.kinds[name].numeric and (number := _number_in(value)) is not None:
            return _read_value(name, number, metric, lenient=False)
        raise BadEvent(data=f"field 'data.{name}' ({metric.fields[name]}): {error}") from None


def _number_in(written: str) -> object | None:
    try:
        number = read_json(written.encode())
    except Refusal:
        return None
    return None if isinstance(number, str) else number


def _root_problems(event: dict[str, object], metric: Metric) -> list[dict[str, object]]:
    """Every root field that is missing or of the wrong kind."""
    found = []
    for name, kinds, wanted in (("customer_id", str, "str"), ("timestamp", str, "datetime"), ("data", dict, "dict")):
        if event.get(name) is None:
            missing = name not in event
            found.append(problem([name], "field required" if missing else "none is not an allowed value", "value_error.missing" if missing else "type_error.none.not_allowed"))
        elif not isinstance(event[name], kinds):
            found.append(problem([name], f"{wanted} type expected", f"type_error.{wanted}"))
    if isinstance(event.get("timestamp"), str) and (wrong := _wrong_timestamp(event["timestamp"], metric)):
        found.append(problem(["timestamp"], wrong, "value_error.datetime"))
    if event.get("customer_id") == "":
        found.append(problem(["customer_id"], "ensure this value has at least 1 characters", "value_error.any_str.min_length"))
    return found


def _wrong_timestamp(value: str, metric: Metric) -> str:
    try:
        read_timestamp(value, metric.timestamp_digits)
    except (ValueError, OverflowError) as error:
        return str(error)
    return ""


def _table(metric: Metric, rows: list[list[object]], now: datetime) -> pa.Table:
    stored_at = (now.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
    columns = [*zip(*rows, strict=True), (stored_at,) * len(rows)]
    return pa.table([pa.array(values, kind.type) for values, kind in zip(columns, metric.arrow, strict=True)], schema=metric.arrow)
