"""MongoDB: documents as rows, nested ones as columns with dots in their names."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
from pydantic import Field, SecretStr

from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull.connector import Connection, needed
from ingest.pull.flat import Aside, aside, columns_of, first_rows, flattened, written_rows
from ingest.pull.guard import server_allowed
from ingest.pull.reach import steps_to
from ingest.pull.web_api import Number
from schemas.source import Diagnosis, Fetched, Found, Read, SourceColumn, Step, Window

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from pymongo.database import Database

CONNECT_MS, SOCKET_MS = 10_000, 600_000
BATCH = 5_000
SAMPLE = 200


class MongoDBConnection(Connection):
    """Where the database is, and who reads it."""

    host: str = Field(title="Host", examples=["mongo.example.com"])
    port: int = Field(27017, ge=1, le=65535, title="Port")
    database: str = Field(title="Database", examples=["usage"])
    user: str | None = Field(None, title="User", description="One that may only read.", examples=["usage_reader"])
    password: SecretStr | None = Field(None, title="Password")
    auth_source: str = Field("admin", title="Database of the user")
    tls: bool = Field(False, title="Encryption")
    ca_file: Path | None = Field(None, title="Certificate", description="A file (PEM) with the certificate of the authority that signed the server's.")
    replica_set: str | None = Field(None, title="Replica set", description="With it, a run reads the collection as it is at one moment (from MongoDB 5).")


class MongoDB:
    """Collections of a database."""

    name = "mongodb"
    title = "MongoDB"
    kind: Literal["tables"] = "tables"
    model = MongoDBConnection
    libraries: tuple[str, ...] = ("pymongo",)

    def rights(self, connection: MongoDBConnection | None, read: Read | None) -> str:
        """A user that may read, and nothing else."""
        user, database = (connection.user or "usage_reader", connection.database) if connection else ("usage_reader", "usage")
        return f'db.getSiblingDB("admin").createUser({{user: "{user}", pwd: passwordPrompt(), roles: [{{role: "read", db: "{database}"}}]}})'

    def addresses(self, connection: MongoDBConnection) -> tuple[tuple[str, int], ...]:
        """The server."""
        return ((connection.host, connection.port),)

    def test(self, connection: MongoDBConnection, read: Read | None = None) -> Diagnosis:
        """Name, port, sign-in, rights, and whether there are documents."""
        steps = list(steps_to(connection.host, connection.port, server_allowed))
        if not steps[-1].ok:
            return Diagnosis(steps=tuple(steps))
        try:
            with _database(connection) as database:
                database.command("ping")
                names = database.list_collection_names()
                steps.append(Step(name="sign-in", ok=True, text="MongoDB lets the portal in."))
                if read and read.table:
                    found = _collection(database, read).find_one()
                    steps.append(Step(name="rights", ok=True, text=f"{read.table} can be read.") if found else Step(name="empty", ok=True, text=f"{read.table} has no documents.", todo="Look whether it is the right one."))
                elif not names:
                    steps.append(Step(name="empty", ok=True, text="The database has no collections.", todo="Check its name: MongoDB takes any."))
        except IngestError as error:
            status = error.status if isinstance(error, Refused) else 0
            steps.append(Step(name={401: "sign-in", 403: "rights"}.get(status, "query"), ok=False, text=error.sentence, todo=error.todo))
        return Diagnosis(steps=tuple(steps))

    def discover(self, connection: MongoDBConnection, within: str = "") -> tuple[Found, ...]:
        """The collections."""
        with _database(connection) as database:
            return tuple(Found(name=name, what="collection", key=("_id",)) for name in sorted(database.list_collection_names())[:2000] if not name.startswith("system."))

    def columns(self, connection: MongoDBConnection, read: Read) -> tuple[SourceColumn, ...]:
        """The columns of some documents."""
        with _database(connection) as database, aside() as rows:
            kind = self._take(database, connection, read, Window(), rows, SAMPLE)
            return columns_of(rows, read, kind)

    def preview(self, connection: MongoDBConnection, read: Read, limit: int = 100) -> pa.Table:
        """The newest documents, or the first."""
        with _database(connection) as database, aside() as rows:
            kind = self._take(database, connection, read, Window(), rows, limit)
            return first_rows(rows, read, limit, kind)

    def count(self, connection: MongoDBConnection, read: Read, window: Window) -> Fetched:
        """What `fetch` would find."""
        with aside() as rows:
            return self.fetch(connection, read, window, rows.folder / "counted.parquet")

    def fetch(self, connection: MongoDBConnection, read: Read, window: Window, to: Path) -> Fetched:
        """Writes the documents of a window."""
        with _database(connection) as database, aside() as rows:
            kind = self._take(database, connection, read, window, rows, None)
            found = written_rows(rows, read, window, to, f"MongoDB {read.table}", kind)
            without = _collection(database, read).count_documents(_without(database, read)) if read.cursor else 0
        return found.model_copy(update={"without_cursor": without})

    def _take(self, database: "Database", connection: MongoDBConnection, read: Read, window: Window, rows: Aside, most: int | None) -> str | None:
        """Puts documents aside; the kind of the cursor where it is a date."""
        collection = _collection(database, read)
        kind = _cursor_type(collection, read.cursor)
        wanted = _between(read.cursor, kind, window) if read.cursor and kind else {}
        session = database.client.start_session(snapshot=True) if connection.replica_set else None
        documents = collection.find(wanted, batch_size=BATCH, session=session)
        if most is not None:
            documents = (documents.sort(read.cursor, -1) if read.cursor else documents).limit(most)
        waiting = []
        for document in documents:
            waiting.append(dict(flattened({name: plain(value) for name, value in document.items()})))
            if len(waiting) >= BATCH:
                rows.add_flat(waiting)
                waiting = []
        rows.add_flat(waiting)
        return "time" if kind == "date" else None


def plain(value: object) -> object:
    """A value of BSON as one of JSON, none of its digits lost."""
    bson = _bson()
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
    if isinstance(value, int | float | bson.decimal128.Decimal128):
        return Number(value)
    if isinstance(value, bson.binary.Binary) and value.subtype in (3, 4):
        return str(value.as_uuid(value.subtype))
    if isinstance(value, bson.timestamp.Timestamp):
        return f"{value.time}.{value.inc}"
    return bytes(value).hex() if isinstance(value, bytes) else str(value)


@cache
def _bson() -> ModuleType:
    return needed("bson", "MongoDB", "pymongo")


@contextmanager
def _database(connection: MongoDBConnection) -> Iterator["Database"]:
    pymongo = needed("pymongo", "MongoDB", "pymongo")
    bson = _bson()
    server_allowed(connection.host, connection.port)
    options = {"username": connection.user, "password": connection.password.get_secret_value() if connection.password else None, "authSource": connection.auth_source} if connection.user else {}
    tls = {"tls": True, **({"tlsCAFile": str(connection.ca_file)} if connection.ca_file else {})} if connection.tls else {}
    topology = {"replicaSet": connection.replica_set} if connection.replica_set else {"directConnection": True}
    with _failures(pymongo, connection):
        client = pymongo.MongoClient(
            connection.host, connection.port, serverSelectionTimeoutMS=CONNECT_MS, connectTimeoutMS=CONNECT_MS, socketTimeoutMS=SOCKET_MS, appname="usage-intake", tz_aware=True, uuidRepresentation="standard",
            datetime_conversion=bson.codec_options.DatetimeConversion.DATETIME_AUTO, **options, **tls, **topology)
        try:
            yield client[connection.database]
        finally:
            client.close()


@contextmanager
def _failures(pymongo: ModuleType, connection: MongoDBConnection) -> Iterator[None]:
    """Failures of the driver as sentences; what it says may hold the sign-in and isn't shown."""
    errors, where = pymongo.errors, f"MongoDB at {connection.host}"
    try:
        yield
    except errors.OperationFailure as error:
        if error.code in (18, 8000):
            raise Refused(f"{where} doesn't take the sign-in.", "Check the user, the password, and the database that the user belongs to.", status=401) from None
        if error.code == 13:
            raise Refused(f"{connection.user or 'Somebody without a sign-in'} may not read {connection.database}.", "Give the user the role read for this database.", status=403) from None
        raise BadInput(f"{where} can't run the query (error {error.code}).", "Check the collection and the conditions.") from None
    except (errors.ConnectionFailure, errors.WaitQueueTimeoutError):
        raise Unreachable(f"{where} doesn't answer, or hung up.", "Nothing was taken. Check that it runs, the encryption, and that a firewall between here and there lets the portal through.") from None
    except (errors.PyMongoError, ValueError):
        raise BadInput(f"The connection to {where} can't be made like this.", "Check the host, the database, the encryption and its certificate.") from None


def _collection(database: "Database", read: Read) -> "Collection":
    """The collection. Raises BadInput where it isn't there."""
    if read.sql or not read.table:
        raise BadInput("MongoDB isn't asked with SQL.", "Name a collection as the table.")
    if read.table not in database.list_collection_names(filter={"name": read.table}):
        raise BadInput(f"There is no collection {read.table!r}.", f"There are: {', '.join(sorted(database.list_collection_names())[:20])}.")
    return database[read.table]


def _cursor_type(collection: "Collection", cursor: str | None) -> str | None:
    """What the newest cursor is, as MongoDB calls it; None where there is none."""
    document = collection.find_one({cursor: {"$ne": None}}, sort=[(cursor, -1)]) if cursor else None
    value = document
    for name in (cursor or "").split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    bson = _bson()
    kinds = ((bool, "bool"), (datetime, "date"), (bson.datetime_ms.DatetimeMS, "date"), (bson.objectid.ObjectId, "objectId"), (str, "string"), ((int, float, bson.decimal128.Decimal128), "number"))
    return next((name for kind, name in kinds if isinstance(value, kind)), None)


def _without(database: "Database", read: Read) -> dict:
    """Documents that no window will have: without a cursor, or with one of another type than the newest."""
    kind = _cursor_type(database[read.table], read.cursor)
    return {read.cursor: {"$not": {"$type": kind}}} if kind else {}


def _between(cursor: str, kind: str, window: Window) -> dict:
    """The window as MongoDB asks for it, and for nothing but cursors of this type; bounds are rounded outwards, rows are held to the window afterwards."""
    bounds = {sign: _bound(text, kind, up=sign == "$lt") for sign, text in (("$gte", window.since), ("$lt", window.until)) if text is not None}
    return {cursor: {**bounds, "$type": kind}}


def _bound(text: str, kind: str, *, up: bool) -> object:
    bson = _bson()
    try:
        if kind == "date":
            moment = datetime.fromisoformat(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return moment + timedelta(milliseconds=1) if up and moment.microsecond % 1000 else moment
        if kind == "number":
            return bson.decimal128.Decimal128(Decimal(text))
        return bson.objectid.ObjectId(text) if kind == "objectId" else text
    except (ValueError, ArithmeticError, bson.errors.InvalidId):
        raise BadInput(f"{text!r} can't be compared with the cursor, which is of the type {kind}.", "Write it as the documents do.") from None
