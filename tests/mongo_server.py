"""A stand-in for MongoDB: its wire protocol (OP_MSG) with the few commands that reading takes."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import bson

TYPES = {"date": bson.datetime.datetime, "number": (int, float, bson.Decimal128), "string": str, "objectId": bson.ObjectId}
PAGE = 2
AWARE = bson.codec_options.CodecOptions(tz_aware=True)


def _value(value: object) -> object:
    return value.to_decimal() if isinstance(value, bson.Decimal128) else value


def _rank(value: object) -> tuple[int, object]:
    """The order of BSON: numbers, texts, dates."""
    return (0 if isinstance(value, TYPES["number"]) else 1 if isinstance(value, str) else 2), _value(value)


def _fits(document: dict, wanted: dict) -> bool:
    return all(_holds(document.get(name), test) for name, test in wanted.items())


def _holds(value: object, tests: dict) -> bool:
    tests = tests if isinstance(tests, dict) else {"$eq": tests}
    if "$type" in tests and not isinstance(value, TYPES[tests["$type"]]) or "$not" in tests and _holds(value, tests["$not"]) or "$ne" in tests and value == tests["$ne"]:
        return False
    return ("$eq" not in tests or value == tests["$eq"]) and ("$gte" not in tests or _value(value) >= _value(tests["$gte"])) and ("$lt" not in tests or _value(value) < _value(tests["$lt"]))


class MongoServer:
    """`collections` by name; `dies` hangs up when the second part of a result is asked for."""

    def __init__(self, collections: dict[str, list[dict]], *, dies: bool = False) -> None:
        self.collections, self.dies, self.rest = collections, dies, {}

    def answer(self, command: dict) -> dict | None:
        name = next(iter(command))
        if name.lower() in ("hello", "ismaster"):
            return {"ok": 1.0, "isWritablePrimary": True, "helloOk": True, "maxBsonObjectSize": 2**24, "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000, "minWireVersion": 0, "maxWireVersion": 21, "readOnly": False}
        if name == "listCollections":
            only = command.get("filter", {}).get("name")
            return self._cursor("$cmd.listCollections", [{"name": each, "type": "collection"} for each in self.collections if only in (None, each)])
        if name == "saslStart":
            return {"ok": 0.0, "code": 18, "codeName": "AuthenticationFailed", "errmsg": "Authentication failed."}
        if name in ("find", "aggregate"):
            return self._found(name, command)
        if name == "getMore":
            return None if self.dies else self._cursor("d.c", self.rest.pop(command["getMore"]), "nextBatch")
        return {"ok": 1.0}

    def _found(self, name: str, command: dict) -> dict:
        wanted = command.get("filter") if name == "find" else command["pipeline"][0]["$match"]
        documents = [each for each in self.collections.get(command[name], []) if _fits(each, wanted or {})]
        if name == "aggregate":
            return self._cursor("d.c", [{"n": len(documents)}] if documents else [])
        for field, order in (command.get("sort") or {}).items():
            documents = sorted((each for each in documents if each.get(field) is not None), key=lambda each: _rank(each[field]), reverse=order < 0)
        return self._cursor("d.c", documents[:command.get("limit") or None])

    def _cursor(self, where: str, documents: list[dict], part: str = "firstBatch") -> dict:
        key = len(self.rest) + 1 if len(documents) > PAGE else 0
        if key:
            self.rest[key] = documents[PAGE:]
        return {"ok": 1.0, "cursor": {"id": bson.Int64(key), "ns": where, part: documents[:PAGE]}}


@contextmanager
def mongo(server: MongoServer) -> Iterator[int]:
    """The port that it answers on."""
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while len(head := self.rfile.read(16)) == 16:
                length, request, _, kind = struct.unpack("<iiii", head)
                body = self.rfile.read(length - 16)
                if kind == 2004:  # OP_QUERY: only for the greeting
                    end = body.index(b"\0", 4) + 9
                    document = bson.encode(server.answer(bson.decode(body[end:])))
                    reply = struct.pack("<iqii", 8, 0, 0, 1) + document
                    self.wfile.write(struct.pack("<iiii", 16 + len(reply), 1, request, 1) + reply)
                    continue
                answer = server.answer(bson.decode(body[5:5 + struct.unpack("<i", body[5:9])[0]], AWARE))
                if answer is None:
                    return
                reply = struct.pack("<iB", 0, 0) + bson.encode(answer)
                self.wfile.write(struct.pack("<iiii", 16 + len(reply), 1, request, 2013) + reply)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield running.server_address[1]
        finally:
            running.shutdown()
