"""The command line. Every command takes --json and then prints one JSON document on standard output and nothing else.

Exit 0: done. 1: done, and some rows were rejected. 2: the input or the request is wrong. 3: an outside system failed, trying again may help.
"""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

from ingest import options as given
from ingest.commands import in_words
from ingest.errors import BadInput, Broken, IngestError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and answers its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except IngestError as error:
        return _failed(options, error)
    except BrokenPipeError:  # whoever was to read the answer has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 3
    except ValueError as error:  # a record that refused what it was given: pydantic says why
        return _failed(options, BadInput(f"That can't be used: {_reason(error)}."))
    except OSError as error:
        return _failed(options, BadInput(f"{error.filename or 'A file'} can't be used: {error.strerror or error}.", "Choose another file or folder."))
    except KeyboardInterrupt:
        say("Stopped.")
        return 3
    except Exception as error:  # the outermost place of a command: whatever happened, the contract holds
        return _failed(options, Broken(f"Something went wrong that we didn't expect ({type(error).__name__}). Nothing was lost.", "Set INTAKE_DEBUG=1 to see where."))


def _failed(options: argparse.Namespace, error: IngestError) -> int:
    """Says what went wrong, on standard error and as the command's document."""
    if os.environ.get("INTAKE_DEBUG"):
        traceback.print_exc()
    say(str(error))
    if getattr(options, "json", False):
        print_json({"error": {"message": error.sentence, "todo": error.todo, "kind": type(error).__name__}})
    return error.exit_code


def _reason(error: ValueError) -> str:
    problems = error.errors() if hasattr(error, "errors") else []
    return problems[0]["msg"].removeprefix("Value error, ") if problems else str(error)


def say(sentence: str) -> None:
    """A message for the person: always on standard error."""
    print(sentence, file=sys.stderr, flush=True)


def print_json(document: object) -> None:
    """The one document of a command, on standard output; decimals stay exact as text."""
    text = json.dumps(document, default=_as_json, ensure_ascii=False)
    print(text.encode("utf-8", "backslashreplace").decode("utf-8"))  # a file name may hold bytes that are no text


def _as_json(value: object) -> object:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _answer(options: argparse.Namespace, document: object, lines: Iterable[str]) -> None:
    """Prints what a command found: its document, or the same in words."""
    if options.json:
        print_json(document)
        return
    for line in lines:
        print(line)


def read(options: argparse.Namespace) -> int:
    """Reads files as tables, without an import; one bad file doesn't stop the others."""
    from ingest.tables import read_files
    from schemas.reading import ReadSpec

    spec = ReadSpec(sheet=options.sheet, table=options.table, beside=options.beside, turn="measures" if options.measure else options.turn, measures=tuple(options.measure or ()))
    reports = read_files([Path(name) for name in options.files], spec, out_dir=options.out_dir and Path(options.out_dir), say=say)
    _answer(options, {"files": reports}, map(in_words.table, reports))
    return 2 if any(report["error"] for report in reports) else 0


def event_type(options: argparse.Namespace) -> int:
    """Lists the event types of an account, creates one, or writes a workbook to fill in for one."""
    from ingest.commands.event_types import create_event_type, list_event_types, write_template_of

    if options.what == "list":
        found = list_event_types(options.account)
        _answer(options, {"event_types": found}, in_words.event_types(found))
    elif options.what == "template":
        document = write_template_of(options.account, options.slug, Path(options.file))
        _answer(options, document, [f"Wrote {document['file']}."])
    else:
        made = create_event_type(options.account, options.name, options.slug, options.field or [], find_again=not options.without_ids)
        _answer(options, made, [f"Created {made['slug']}."])
    return 0


def check(options: argparse.Namespace) -> int:
    """Imports a file, matches its columns, checks every row."""
    from ingest.commands.checking import check_file

    document = check_file(
        Path(options.file), slug=options.event_type, account=options.account, recipe=options.recipe, matches=given.pairs(options.match, "--match"), constants=given.pairs(options.constant, "--constant"),
        key=options.key, answers=given.pairs(options.answer, "--answer"), zone=options.zone, period=options.period, sheet=options.sheet,
        control_count=options.control_count, control_sums=given.pairs(options.control_sum, "--control-sum"), out_dir=options.out_dir and Path(options.out_dir), checks=options.check or [],
        kinds=given.kinds(options.kind), by=options.by, by_sheet=options.by_sheet, measures=options.measure or [], takes_offers=options.take_offers,
    )
    _answer(options, document, in_words.checks(document))
    return 1 if any(each["rows"]["rejected"] for each in document.get("kinds", [document])) else 0


def changes(options: argparse.Namespace) -> int:
    """Says what changed since an earlier import of the same kind, before anything is sent."""
    from ingest.commands.checking import changes_of

    document = changes_of(options.import_id, options.against)
    _answer(options, document, in_words.changes(document))
    return 0


def overview(options: argparse.Namespace) -> int:
    """Says of each column of a checked import how many cells are valid, corrected, invalid or empty, and what stands there."""
    from ingest.commands.overview import overview_of

    document = overview_of(options.import_id, options.column)
    _answer(options, document, in_words.overview(document))
    return 0


def correct(options: argparse.Namespace) -> int:
    """Corrects an import, or undoes it, and checks again. What came in is never changed."""
    from ingest.commands.correcting import correct_import

    document = correct_import(
        options.import_id, add=options.add or [], edits=options.set or [], replaced=options.replace or [], fill=options.fill_down or [], dropped=options.drop or [], reason=options.reason or "",
        bring=options.bring_back and Path(options.bring_back), turn=options.turn,
    )
    _answer(options, document, in_words.corrections(document))
    return 1 if document["check"] and document["check"]["rows"]["rejected"] else 0


def recipe(options: argparse.Namespace) -> int:
    """Lists, shows, saves or adds recipes: what was learnt about one kind of file."""
    from ingest.commands import recipes

    if options.what == "list":
        found = recipes.list_recipes()
        _answer(options, {"recipes": found}, in_words.recipes(found))
    elif options.what == "show":
        document, text = recipes.show_recipe(options.name, options.version)
        _answer(options, document, text.splitlines())
    else:
        made = recipes.save_recipe(options.import_id, options.name) if options.what == "save" else recipes.add_recipe(Path(options.file))
        _answer(options, made, [f"Saved {made['name']}, version {made['version']}."])
    return 0


def decisions(options: argparse.Namespace) -> int:
    """Lists what has to be decided about an import, largest effect first; answers questions, acknowledges warnings, gives decisions to colleagues, and takes them back."""
    from ingest.commands.deciding import decide

    document = decide(options.import_id, answers=given.pairs(options.answer, "--answer"), acknowledged=options.acknowledge or [], given=given.pairs(options.give, "--give"), comment=options.comment or "", taken=options.take_back or [])
    _answer(options, document, in_words.decisions(document))
    return 0


def customers(options: argparse.Namespace) -> int:
    """Lists what customers are called in files, says which customer a name means, creates one in the account, or says that one is never billed."""
    from ingest.commands import customers as names

    if options.what == "create":
        document = names.create(options.account, options.external_id, options.name or "")
        _answer(options, document, [f"Created {each['external_id']} ({each['customer_name']})." for each in document["created"]])
        return 0
    changed = names.change(options.account, options.what, options.name, options.customer_id if options.what == "name" else None) if options.what != "list" else []
    document = {**names.listed(options.account), "check_again": changed}
    _answer(options, document, in_words.customer_names(document))
    return 0


def metric(options: argparse.Namespace) -> int:
    """Keeps billable metrics for an account, shows their SQL, and registers them in the account."""
    from ingest.commands import metrics

    if options.what == "list":
        found = metrics.list_metrics(options.account)
        _answer(options, {"metrics": found}, in_words.metrics(found))
    elif options.what == "show":
        document, text = metrics.show_metric(options.account, options.name)
        _answer(options, document, text.splitlines())
    elif options.what == "sql":
        document = metrics.sql_of(options.account, options.name, options.dialect, start=options.start, end=options.end, customer=options.customer)
        _answer(options, document, in_words.metric_sql(document))
    elif options.what == "remove":
        document = metrics.remove_metric(options.account, options.name)
        _answer(options, document, in_words.removed_metric(document))
    else:
        document = metrics.create_metric(options.account, Path(options.file)) if options.what == "create" else metrics.register_metric(options.account, options.name, take_over=options.take_over)
        _answer(options, document, in_words.metric(document, options.what))
    return 0


def preview(options: argparse.Namespace) -> int:
    """Totals of an import that was checked, or what a metric makes of it."""
    if options.metric:
        return _preview_metric(options)
    from ingest.commands.checking import preview_import

    given.without_metric(options)
    document = preview_import(options.import_id, by=tuple(options.by.split(",")) if options.by else ("customer",), field=options.field, function=options.function)
    _answer(options, document, ("\t".join("" if value is None else str(_as_json(value)) for value in row.values()) for row in document["rows"]))
    return 0


def _preview_metric(options: argparse.Namespace) -> int:
    from ingest.commands.metrics import preview_metric

    document = preview_metric(
        options.import_id, options.metric, start=options.start, end=options.end, zone=options.zone, by=given.names(options.by), merged=options.with_account or "none", limit=options.limit, price=options.price,
    )
    _answer(options, document, in_words.metric_preview(document))
    return 0


def push(options: argparse.Namespace) -> int:
    """Sends an import's accepted events and proves it; called again it goes on with the same push, or shows the same receipt."""
    from ingest.commands.sending import push_import

    document = push_import(options.import_id, account=options.account, yes=options.yes, rejected=options.rejected, ask=_ask, say=say)
    _answer(options, document, [in_words.push(document)])
    events = document["events"]
    if events["unknown"] or events["planned"] != events["accepted"] + events["rejected"] or not document["proof"]["agrees"]:
        return 3
    return 1 if events["rejected"] or document["rows"]["rejected"] else 0


def _ask(question: str) -> bool:
    if not sys.stdin.isatty():
        raise BadInput("Nothing was sent: nobody confirmed it.", "Add --yes to send.")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def source(options: argparse.Namespace) -> int:
    """Registers where usage lives, tries it, and reads what is new: by hand, or as its schedule says."""
    from ingest.commands import sources

    document = sources.done(options)
    _answer(options, document, in_words.source(options.what, document))
    return sources.exit_code(options.what, document)


def secrets(options: argparse.Namespace) -> int:
    """Renews the key that stored passwords and API keys are sealed with."""
    from ingest.settings import settings
    from ingest.store.secrets import key_warning, rotate

    document = rotate(settings().user)
    made = "A new key seals from now on." if document["new_key"] else "The first key of INTAKE_SECRET_KEYS seals from now on."
    _answer(options, document, [f"{made} {document['sealed_again']} stored entries were sealed again."])
    if warning := key_warning():
        say(warning)
    return 0


def sandbox(options: argparse.Namespace) -> int:
    """Runs the embedded sandbox until it is stopped."""
    from ingest.processes import log_to
    from ingest.sandbox.samples import add_sample_customers
    from ingest.sandbox.server import run
    from ingest.settings import settings

    given = settings()
    log_to("sandbox")

    def ready(address: dict) -> None:
        if options.json:
            print_json(address)
        else:
            print(f"The sandbox is at {address['url']}\norganisation  {address['organisation']}\nx-api-key     {address['api_key']}")
        sys.stdout.flush()

    begin = add_sample_customers if options.sample_customers else None
    run(options.host or given.sandbox_host, given.sandbox_port if options.port is None else options.port, Path(options.data) if options.data else given.home / "sandbox", ready=ready, begin=begin)
    return 0


def worker(options: argparse.Namespace) -> int:
    """Runs queued jobs until it is stopped."""
    import signal

    from ingest.processes import log_to
    from ingest.worker import run_worker

    log_to("worker")
    asked = []
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: asked.append(True))
    run_worker(ready=lambda: say("The worker is running."), stopped=lambda: bool(asked))
    return 0


def up(options: argparse.Namespace) -> int:
    """Starts portal, worker and sandbox, and stops them together."""
    from ingest.processes import up as start_all

    return start_all(lambda sentence: print(sentence, flush=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ingest", description="Bring usage in, see what it will bill, send it once, prove it.", epilog=__doc__.split("\n\n", 1)[1], formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    given.read_options(given.add_command(commands, "read", read))
    given.event_type_options(given.add_command(commands, "event-type", event_type))
    given.check_options(given.add_command(commands, "check", check))
    given.changes_options(given.add_command(commands, "changes", changes))
    given.overview_options(given.add_command(commands, "overview", overview))
    given.correct_options(given.add_command(commands, "correct", correct))
    given.recipe_options(given.add_command(commands, "recipe", recipe))
    given.decisions_options(given.add_command(commands, "decisions", decisions))
    given.customers_options(given.add_command(commands, "customers", customers))
    given.metric_options(given.add_command(commands, "metric", metric))
    given.preview_options(given.add_command(commands, "preview", preview))
    given.push_options(given.add_command(commands, "push", push))
    given.source_options(given.add_command(commands, "source", source))
    given.secrets_options(given.add_command(commands, "secrets", secrets))
    given.sandbox_options(given.add_command(commands, "sandbox", sandbox))
    given.add_command(commands, "worker", worker)
    given.add_command(commands, "up", up)
    return parser


if __name__ == "__main__":
    sys.exit(main())
