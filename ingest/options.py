"""What each command of the command line takes."""

import argparse
from collections.abc import Callable
from datetime import date

from ingest.errors import BadInput

Command = Callable[[argparse.Namespace], int]


def add_command(commands: argparse._SubParsersAction, name: str, run: Command) -> argparse.ArgumentParser:
    """A command under its name; `run` carries it out and its docstring is the help."""
    command = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
    command.set_defaults(run=run)
    command.add_argument("--json", action="store_true", help="print one JSON document on standard output and nothing else")
    return command


def read_options(command: argparse.ArgumentParser) -> None:
    """What `read` takes."""
    command.add_argument("files", nargs="+", metavar="FILE")
    command.add_argument("--sheet", help="the sheet to read")
    command.add_argument("--table", type=int, metavar="N", help="which of several tables one below the other; the first is 1")
    command.add_argument("--beside", type=int, metavar="N", help="which of several tables side by side; the leftmost is 1")
    command.add_argument("--turn", choices=("no", "months", "transposed"), help="months: a column for each month becomes a row for each; transposed: rows and columns change places")
    command.add_argument("--measure", action="append", metavar="COLUMN", help="a column that is a usage of its own: each becomes a row; repeat for each")
    command.add_argument("--out-dir", help="also write each table there as <file name>.csv (UTF-8, comma, header first)")


def event_type_options(command: argparse.ArgumentParser) -> None:
    """What `event-type` takes."""
    kinds = command.add_subparsers(dest="what", required=True, metavar="list|template|create")
    for name in ("list", "template", "create"):
        kind = kinds.add_parser(name)
        kind.add_argument("--account", help="the account's name; the default is the environment's, else the first stored one, else the embedded sandbox")
        kind.add_argument("--json", action="store_true", help="print one JSON document")
        if name == "template":
            kind.add_argument("slug", metavar="SLUG")
            kind.add_argument("file", metavar="FILE.xlsx", help="where the workbook is written")
    kind.add_argument("--name", required=True)
    kind.add_argument("--slug", required=True)
    kind.add_argument("--field", action="append", metavar="NAME:TYPE", help="a data field; repeat for each. Types: String, Int64, Float64, Decimal, Bool, Date32, DateTime64, UUID")
    kind.add_argument("--without-ids", action="store_true", help="don't add event_id and import_id; then pushes can only be proven by counts and sums")


def check_options(command: argparse.ArgumentParser) -> None:
    """What `check` takes."""
    command.add_argument("file", metavar="FILE")
    command.add_argument("--event-type", metavar="SLUG", help="what this usage is; not needed with a recipe")
    command.add_argument("--recipe", metavar="NAME", help="read, match, correct and check it as this recipe says")
    command.add_argument("--account")
    command.add_argument("--match", action="append", metavar="FIELD=COLUMN", help="which column a field comes from; repeat for each")
    command.add_argument("--constant", action="append", metavar="FIELD=VALUE", help="the same value for every row; repeat for each")
    command.add_argument("--key", action="append", metavar="COLUMN", help="a column that makes a row the same row; repeat for each; default: all columns")
    command.add_argument("--answer", action="append", metavar="QUESTION=VALUE", help="the answer to an open question, by its name")
    command.add_argument("--check", action="append", metavar="NAME[=KEY:VALUE,...]", help="how a check is set, such as range.quantity=min:0,max:10000 or non_negative=severity:error; repeat for each; docs/checks.md lists them")
    command.add_argument("--zone", help="time zone of timestamps that carry none, such as Europe/Berlin; default UTC, with a warning")
    command.add_argument("--period", metavar="YYYY-MM", help="the month of rows that carry no date; they get its end")
    command.add_argument("--sheet", help="the sheet to read")
    command.add_argument("--measure", action="append", metavar="COLUMN", help="a column that is a usage of its own, where a row holds several: each becomes a row with the column's name in a new column `kind`; repeat for each")
    command.add_argument("--kind", action="append", metavar="VALUE=SLUG", help="where a file holds several kinds of usage: the event type of rows that say VALUE in the column of --by; repeat for each")
    by = command.add_mutually_exclusive_group()
    by.add_argument("--by", metavar="COLUMN", help="the column that says which kind of usage a row is; default with --measure: the new column")
    by.add_argument("--by-sheet", action="store_true", help="the sheet says which kind of usage its rows are")
    command.add_argument("--take-offers", action="store_true", help="join or take apart columns as it is offered: the day in one column and the time in another, a month beside its year, the month and the amount in one cell")
    command.add_argument("--control-count", type=int, metavar="N", help="how many rows the sender says there are")
    command.add_argument("--control-sum", action="append", metavar="FIELD=SUM", help="the sum the sender gave for a field")
    command.add_argument("--out-dir", help="also write events.parquet and issues.csv there")


def changes_options(command: argparse.ArgumentParser) -> None:
    """What `changes` takes."""
    command.add_argument("import_id", metavar="IMPORT_ID")
    command.add_argument("--against", metavar="IMPORT_ID", help="the earlier import; default: the last one of the same event type and account, of the same month or the one before")


def overview_options(command: argparse.ArgumentParser) -> None:
    """What `overview` takes."""
    command.add_argument("import_id", metavar="IMPORT_ID")
    command.add_argument("--column", metavar="COLUMN", help="also say what stands in this column: frequent texts, range, how its values spread")


def correct_options(command: argparse.ArgumentParser) -> None:
    """What `correct` takes."""
    command.add_argument("import_id", metavar="IMPORT_ID")
    command.add_argument("--set", action="append", metavar="ROW:COLUMN=VALUE", help="the new text of one cell; repeat for each")
    command.add_argument("--replace", action="append", metavar="COLUMN:OLD=NEW", help="one text for another throughout a column; repeat for each")
    command.add_argument("--fill-down", action="append", metavar="COLUMN", help="empty cells get the text above them")
    command.add_argument("--drop", action="append", type=int, metavar="ROW", help="leave a row out; repeat for each")
    command.add_argument("--reason", help="why rows are left out")
    command.add_argument("--add", action="append", metavar="JSON", help="any other correction, as docs/command-line.md lists them")
    command.add_argument("--bring-back", metavar="FILE", help="take over the cells that were corrected in a file of rejected rows")
    turn = command.add_mutually_exclusive_group()
    for name, what in (("undo", "undo the last correction"), ("redo", "do it again"), ("undo-all", "undo every correction")):
        turn.add_argument(f"--{name}", dest="turn", action="store_const", const=name, help=what)


def recipe_options(command: argparse.ArgumentParser) -> None:
    """What `recipe` takes."""
    kinds = command.add_subparsers(dest="what", required=True, metavar="list|show|save|add")
    arguments = {"list": (), "show": ("name",), "save": ("import_id", "name"), "add": ("file",)}
    helps = {"list": "every recipe in its newest version", "show": "one recipe as YAML", "save": "keep how an import was read, matched and corrected", "add": "take a recipe from a YAML file"}
    for name, wanted in arguments.items():
        kind = kinds.add_parser(name, help=helps[name])
        for each in wanted:
            kind.add_argument(each, metavar=each.upper())
        kind.add_argument("--json", action="store_true", help="print one JSON document")
        if name == "show":
            kind.add_argument("--version", type=int, metavar="N", help="an older version")


def decisions_options(command: argparse.ArgumentParser) -> None:
    """What `decisions` takes."""
    command.add_argument("import_id", metavar="IMPORT_ID")
    command.add_argument("--answer", action="append", metavar="QUESTION=VALUE", help="answer a question and check again; without a value the answer is taken back; repeat for each")
    command.add_argument("--acknowledge", action="append", metavar="NAME", help="say that a warning was seen; repeat for each")
    command.add_argument("--give", action="append", metavar="NAME=COLLEAGUE", help="ask a colleague to decide; repeat for each")
    command.add_argument("--comment", help="what the colleague should know")
    command.add_argument("--take-back", action="append", metavar="NAME", help="take a decision back from a colleague; repeat for each")


def customers_options(command: argparse.ArgumentParser) -> None:
    """What `customers` takes."""
    kinds = command.add_subparsers(dest="what", required=True, metavar="list|name|never-billed|forget|create")
    helps = {"list": "what customers are called in files, for the whole account", "name": "say which customer a name means", "never-billed": "leave a customer's usage out, always", "forget": "take a name off the list", "create": "create customers in the account"}
    for name, sentence in helps.items():
        kind = kinds.add_parser(name, help=sentence)
        if name == "create":
            kind.add_argument("external_id", metavar="EXTERNAL_ID", nargs="+", help="what files call the customer by")
            kind.add_argument("--name", help="the customer's name, where only one is created; else the external id is the name, too")
        elif name != "list":
            kind.add_argument("name", metavar="NAME")
        if name == "name":
            kind.add_argument("customer_id", metavar="CUSTOMER_ID")
        kind.add_argument("--account", help="the account's name")
        kind.add_argument("--json", action="store_true", help="print one JSON document")


def metric_options(command: argparse.ArgumentParser) -> None:
    """What `metric` takes."""
    kinds = command.add_subparsers(dest="what", required=True, metavar="create|list|show|sql|register|remove")
    helps = {"create": "keep a metric for an account, once it fits the account's event type", "list": "every metric kept for an account", "show": "one metric as YAML", "sql": "the SQL that a metric is registered with, or previewed with", "register": "make a metric known to its account, or bring what the account has of it up to date", "remove": "forget a metric here, with its price; what the account has of it stays"}
    for name, sentence in helps.items():
        kind = kinds.add_parser(name, help=sentence)
        if name == "create":
            kind.add_argument("--file", required=True, metavar="FILE.yaml", help="the metric, as docs/metrics.md shows it")
        elif name != "list":
            kind.add_argument("name", metavar="NAME")
        if name == "sql":
            kind.add_argument("--dialect", choices=("clickhouse", "duckdb"), default="clickhouse")
            period_options(kind)
            kind.add_argument("--customer", help="fill in this customer's external id")
        if name == "register":
            kind.add_argument("--take-over", action="store_true", help="replace a metric of that name that the account has from elsewhere")
        kind.add_argument("--account", help="the account's name")
        kind.add_argument("--json", action="store_true", help="print one JSON document")


def period_options(command: argparse.ArgumentParser) -> None:
    """From when to when."""
    command.add_argument("--from", dest="start", type=day, metavar="DATE", help="the first day that counts")
    command.add_argument("--to", dest="end", type=day, metavar="DATE", help="the last day that counts")


def source_options(command: argparse.ArgumentParser) -> None:
    """What `source` takes."""
    helps = {
        "add": "keep a source, or change it; one with a schedule is read from now on", "show": "a source as YAML, without secrets", "list": "every source, with where it stands", "test": "try the connection, step by step",
        "discover": "what can be read there", "preview": "the first rows, as they would be read", "run": "read what is new, check it, and send it or ask", "backfill": "read a range of days again, in bounded parts; the mark stays",
        "pause": "let no run begin by itself", "resume": "let runs begin by themselves again", "runs": "the runs of a source", "give-up": "give up the run that waits for a person; the next one reads its rows again", "remove": "forget a source; what it brought stays",
        "alarms": "what somebody should know", "call-key": "make the key that web calls of a source are signed with; it is shown once",
    }
    kinds = command.add_subparsers(dest="what", required=True, metavar="|".join(helps))
    for what, text in helps.items():
        kind = kinds.add_parser(what, help=text)
        kind.add_argument("--json", action="store_true", help="print one JSON document")
        if what in ("add", "test", "discover", "preview"):
            kind.add_argument("--file", metavar="FILE.yaml", required=what == "add", help="the source, as docs/connectors.md shows it")
        if what not in ("add", "list", "alarms"):
            kind.add_argument("name", metavar="NAME", nargs="?" if what in ("test", "discover", "preview") else None)
        if what == "add":
            kind.add_argument("--wait", action="store_true", help="let its schedule begin only with `source resume`")
        if what == "discover":
            kind.add_argument("--within", default="", metavar="PLACE", help="a schema or folder to look in")
        if what in ("preview", "runs"):
            kind.add_argument("--limit", type=int, default=100 if what == "preview" else 20, metavar="N", help="the most rows, or runs")
        if what == "backfill":
            kind.add_argument("--from", dest="start", required=True, metavar="DATE", help="the first day, or the first moment")
            kind.add_argument("--to", dest="end", required=True, metavar="DATE", help="the last day, which counts whole; or the moment after the last")
        if what in ("run", "backfill"):
            kind.add_argument("--dry-run", action="store_true", help="say what would come of it; nothing is kept or sent")


def secrets_options(command: argparse.ArgumentParser) -> None:
    """What `secrets` takes."""
    command.add_argument("what", choices=("rotate",), help="make a new key and seal everything that is stored with it")


def preview_options(command: argparse.ArgumentParser) -> None:
    """What `preview` takes."""
    command.add_argument("import_id", metavar="IMPORT_ID")
    command.add_argument("--metric", metavar="NAME", help="a metric by its name, or a YAML file of one; then --from and --to, both counted in, say the period (default: the import's), in the metric's --zone or another one, --by can also be month, and quantities come exact")
    period_options(command)
    command.add_argument("--zone", help="the IANA zone in which days begin and end, such as Europe/Berlin; default: the metric's")
    command.add_argument("--with-account", choices=("add", "replace"), help="count what the account holds, too: all of it, or only what is outside the days that this import has events of")
    command.add_argument("--price", nargs="?", const="", metavar="FILE.yaml", help="a price, as docs/metrics.md shows it: what each customer would pay; without a file, the price that is kept with the metric")
    command.add_argument("--limit", type=int, default=10_000, metavar="N", help="the most rows of a metric; the total is of all")
    command.add_argument("--by", help="customer, day and fields, separated by commas; default customer, and the dimensions of the metric")
    command.add_argument("--field", help="the field to total; without one, events are counted")
    command.add_argument("--function", help="sum, count, distinct, min, max, average or latest; default sum with a field, else count")


def push_options(command: argparse.ArgumentParser) -> None:
    """What `push` takes."""
    command.add_argument("import_id", metavar="IMPORT_ID")
    command.add_argument("--account")
    command.add_argument("--yes", action="store_true", help="send without asking; rejected rows stay open and the rest goes without them")
    command.add_argument("--rejected", choices=("stop", "continue"), help="what happens when rows need fixing: send nothing, or go on without them")


def sandbox_options(command: argparse.ArgumentParser) -> None:
    """What `sandbox` takes."""
    command.add_argument("--host")
    command.add_argument("--port", type=int, help="0 takes a free one")
    command.add_argument("--sample-customers", action="store_true", help="when it is new, let it know the customers of the sample files")
    command.add_argument("--data", metavar="DIR", help="where it keeps its data; default: sandbox/ in the data folder")


# What an option's texts say.


def day(text: str) -> str:
    """A day as YYYY-MM-DD."""
    try:
        return str(date.fromisoformat(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write it as 2026-10-31") from None


def pairs(texts: list[str] | None, flag: str) -> dict[str, str]:
    """`name=value` texts as a mapping."""
    found = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise BadInput(f"{flag} {text!r} has no '='.", f"Write {flag} name=value.")
        found[name] = value
    return found


def kinds(texts: list[str] | None) -> dict[str, str]:
    """`VALUE=SLUG` texts as a mapping; a value may hold an equals sign, a slug can't."""
    found = {}
    for text in texts or []:
        value, equals, slug = text.rpartition("=")
        if not equals or not slug:
            raise BadInput(f"--kind {text!r} doesn't say which event type is meant.", "Write --kind VALUE=SLUG.")
        found[value] = slug
    return found


def names(text: str | None) -> list[str] | None:
    """Names separated by commas; None where nothing is said, and none of them where it is empty."""
    return None if text is None else [name for each in text.split(",") if (name := each.strip())]


def without_metric(options: argparse.Namespace) -> None:
    """Raises BadInput for options of a preview that only a metric has a use for."""
    said = [flag for flag, value in (("--from", options.start), ("--to", options.end), ("--zone", options.zone), ("--with-account", options.with_account), ("--price", options.price is not None)) if value]
    if said:
        raise BadInput(f"{said[0]} says what a metric is to count, and no metric is named.", "Add --metric NAME.")
