"""The command line. Every command takes --json and then prints one JSON document on standard output and nothing else.

Exit 0: done. 1: done, and some rows were rejected. 2: the input or the request is wrong. 3: an outside system failed, trying again may help.
"""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from ingest import options as given
from ingest.errors import BadInput, Broken, IngestError
from ingest.wording import count


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


def read(options: argparse.Namespace) -> int:
    """Reads files as tables, without an import; one bad file doesn't stop the others."""
    from ingest.tables import read_files
    from schemas.reading import ReadSpec

    spec = ReadSpec(sheet=options.sheet, table=options.table, beside=options.beside, turn="measures" if options.measure else options.turn, measures=tuple(options.measure or ()))
    reports = read_files([Path(name) for name in options.files], spec, out_dir=options.out_dir and Path(options.out_dir), say=say)
    failed = [report for report in reports if report["error"]]
    if options.json:
        print_json({"files": reports})
    else:
        for report in reports:
            print(f"{report['file']}: {report['error'] or _read_line(report)}")
    return 2 if failed else 0


def _read_line(report: dict) -> str:
    parts = [f"{count(report['rows'], 'row')}, {count(len(report['columns']), 'column')}", report["format"], report["encoding"], report["sheet"] and f"sheet {report['sheet']}", report["excluded"] and f"{len(report['excluded'])} rows left out"]
    return ", ".join(str(part) for part in parts if part)


def event_type(options: argparse.Namespace) -> int:
    """Lists the event types of an account, creates one, or writes a workbook to fill in for one."""
    from ingest.commands.event_types import create_event_type, list_event_types, write_template_of

    if options.what == "list":
        found = list_event_types(options.account)
        document: object = {"event_types": found}
        lines = [f"{each['slug']}: {each['name']} ({', '.join(field['name'] + ':' + field['type'] for field in each['fields'])})" for each in found]
    elif options.what == "template":
        document = write_template_of(options.account, options.slug, Path(options.file))
        lines = [f"Wrote {document['file']}."]
    else:
        made = create_event_type(options.account, options.name, options.slug, options.field or [], find_again=not options.without_ids)
        document, lines = made, [f"Created {made['slug']}."]
    print_json(document) if options.json else print("\n".join(lines) or "There are no event types yet.")
    return 0


def check(options: argparse.Namespace) -> int:
    """Imports a file, matches its columns, checks every row."""
    from ingest.commands.checking import check_file

    document = check_file(
        Path(options.file), slug=options.event_type, account=options.account, recipe=options.recipe, matches=_pairs(options.match, "--match"), constants=_pairs(options.constant, "--constant"),
        key=options.key, answers=_pairs(options.answer, "--answer"), zone=options.zone, period=options.period, sheet=options.sheet,
        control_count=options.control_count, control_sums=_pairs(options.control_sum, "--control-sum"), out_dir=options.out_dir and Path(options.out_dir), checks=options.check or [],
        kinds=_kinds(options.kind), by=options.by, by_sheet=options.by_sheet, measures=options.measure or [],
    )
    documents = document.get("kinds", [document])
    if options.json:
        print_json(document)
    else:
        for each in documents:
            _print_check(each)
        _print_events(document["events"])
    return 1 if any(each["rows"]["rejected"] for each in documents) else 0


def _print_events(events: dict) -> None:
    """The second line of the row equation, where there is more to say than the first one says."""
    if events["per_row"] == len(events["kinds"]) == 1:
        return
    times = f" × {events['per_row']} - {events['empty']:,} empty cells" if events["per_row"] > 1 else ""
    parts = " + ".join(f"{each['usages']:,} {each['event_type'] or ('left out' if each['left_out'] else 'of no kind of usage yet')}" for each in events["kinds"])
    print(f"events: {count(events['rows'], 'row')}{times} = {parts}; {events['events']:,} of them ready")


def _print_check(document: dict) -> None:
    rows = document["rows"]
    print(f"{document['import_id']}: {count(rows['read'], 'row')} = {rows['accepted']:,} ready + {rows['rejected']:,} need fixing + {rows['duplicate']:,} already sent or repeated + {rows['excluded']:,} left out")
    if (period := document.get("recipe", {}).get("period")) and period["proposed"]:
        print(f"  proposed: the rows are of {period['start']} to before {period['end']} ({period['zone']}), {period['proposed']}. Say another with --period YYYY-MM.")
    for issue in document["issues"]:
        where = ", ".join(f"row {example['row']}: {example['value']!r}" if example["row"] else str(example["value"]) for example in issue["examples"][:3])
        print(f"  {issue['severity']}: {issue['count']:,} × {issue['code']} in {issue['column'] or 'the row'} ({where}). {issue['todo']}")
    for total in document["comparisons"]:
        print(f"  {'agrees' if total['agrees'] else 'DIFFERS'}: {total['what']}, {total['expected']} by the {total['source']}, {total['found']} found")
    for question in document["questions"]:
        print(f"  question {question['name']}: {question['text']}")


def changes(options: argparse.Namespace) -> int:
    """Says what changed since an earlier import of the same kind, before anything is sent."""
    from ingest.commands.checking import changes_of

    document = changes_of(options.import_id, options.against)
    if options.json:
        print_json(document)
    elif document["against"] is None:
        print("There is no earlier import of this kind to compare it with.")
    else:
        _print_changes(document)
    return 0


def _print_changes(document: dict) -> None:
    print(f"Against {document['against']} ({document['against_file']}, {document['against_period'] or 'no period'}): {document['new']:,} new, {document['unchanged']:,} unchanged, {document['changed']:,} changed, {document['removed']:,} removed")
    for each in document["customers"][:20]:
        totals = ", ".join(f"{field} {before} → {after}" for field, (before, after) in each["totals"].items())
        print(f"  {each['customer_id']}: {each['events'][0]:,} → {each['events'][1]:,} events{', ' if totals else ''}{totals}")


def overview(options: argparse.Namespace) -> int:
    """Says of each column of a checked import how many cells are valid, corrected, invalid or empty, and what stands there."""
    from ingest.commands.overview import overview_of

    document = overview_of(options.import_id, options.column)
    if options.json:
        print_json(document)
        return 0
    for each in document["columns"]:
        print(f"{each['column']}{' → ' + each['field'] if each['field'] else ''}: {', '.join(f'{each[state]:,} {state}' for state in ('valid', 'corrected', 'invalid', 'empty'))}; {'' if each['distinct_is_exact'] else 'about '}{each['distinct']:,} different")
    if options.column:
        found = document["values"]
        print(f"{found['column']}: from {found['smallest']} to {found['largest']}; most frequent: {', '.join(repr(each['value']) + ' × ' + format(each['count'], ',') for each in found['frequent'])}")
    return 0


def correct(options: argparse.Namespace) -> int:
    """Corrects an import, or undoes it, and checks again. What came in is never changed."""
    from ingest.commands.correcting import correct_import

    document = correct_import(
        options.import_id, add=options.add or [], edits=options.set or [], replaced=options.replace or [], fill=options.fill_down or [], dropped=options.drop or [], reason=options.reason or "",
        bring=options.bring_back and Path(options.bring_back), turn=options.turn,
    )
    if options.json:
        print_json(document)
    else:
        for each in document["corrections"]:
            print(f"{'undone' if each['undone'] else 'done'}: {json.dumps(each['correction'], ensure_ascii=False)} ({each['who']}, {each['at'][:16]})")
        if document["check"]:
            _print_check(document["check"])
    return 1 if document["check"] and document["check"]["rows"]["rejected"] else 0


def recipe(options: argparse.Namespace) -> int:
    """Lists, shows, saves or adds recipes: what was learnt about one kind of file."""
    from ingest.commands import recipes

    if options.what == "list":
        found = recipes.list_recipes()
        document: object = {"recipes": found}
        text = "\n".join(f"{each['name']} (version {each['version']}): {each['event_type']}" for each in found) or "There are no recipes yet. Save one with: python -m ingest recipe save IMPORT_ID NAME"
    elif options.what == "show":
        document, text = recipes.show_recipe(options.name, options.version)
    else:
        made = recipes.save_recipe(options.import_id, options.name) if options.what == "save" else recipes.add_recipe(Path(options.file))
        document, text = made, f"Saved {made['name']}, version {made['version']}."
    print_json(document) if options.json else print(text.rstrip("\n"))
    return 0


def decisions(options: argparse.Namespace) -> int:
    """Lists what has to be decided about an import, largest effect first; acknowledges warnings, gives decisions to colleagues, and takes them back."""
    from ingest.commands.deciding import decide

    document = decide(options.import_id, acknowledged=options.acknowledge or [], given=_pairs(options.give, "--give"), comment=options.comment or "", taken=options.take_back or [])
    if options.json:
        print_json(document)
    else:
        for each in document["decisions"]:
            waits = f" Waiting for {each['given_to']['colleague']}{': ' if each['given_to']['comment'] else ''}{each['given_to']['comment']}." if each["given_to"] else ""
            print(f"{'open' if each['open'] else 'settled' if each['settled'] else 'to know'}: {each['text']} [{each['name']}]{waits}")
        print("\n".join(document["reasons_not_to_send"]) or "Nothing stands between this import and sending it.")
    return 0


def customers(options: argparse.Namespace) -> int:
    """Lists what customers are called in files, says which customer a name means, creates one in the account, or says that one is never billed."""
    from ingest.commands import customers as names

    if options.what == "create":
        document = names.create(options.account, options.external_id, options.name or "")
        print_json(document) if options.json else print("\n".join(f"Created {each['external_id']} ({each['customer_name']})." for each in document["created"]))
        return 0
    changed = names.change(options.account, options.what, options.name, options.customer_id if options.what == "name" else None) if options.what != "list" else []
    document = {**names.listed(options.account), "check_again": changed}
    if options.json:
        print_json(document)
    else:
        print("\n".join(f"{each['name']} → {each['customer_id'] or 'never billed'}" for each in document["names"]) or "No customer has another name yet.")
        if changed:
            print(f"Have to be checked again: {', '.join(changed)}.")
    return 0


def preview(options: argparse.Namespace) -> int:
    """Totals of an import that was checked."""
    from ingest.commands.checking import preview_import

    document = preview_import(options.import_id, by=tuple(options.by.split(",")) if options.by else ("customer",), field=options.field, function=options.function)
    if options.json:
        print_json(document)
    else:
        for row in document["rows"]:
            print("\t".join("" if value is None else str(_as_json(value)) for value in row.values()))
    return 0


def push(options: argparse.Namespace) -> int:
    """Sends an import's accepted events and proves it; called again it goes on with the same push, or shows the same receipt."""
    from ingest.commands.sending import push_import

    document = push_import(options.import_id, account=options.account, yes=options.yes, rejected=options.rejected, ask=_ask, say=say)
    events, proof = document["events"], document["proof"]
    if options.json:
        print_json(document)
    else:
        print(f"{document['push_id']}: {events['planned']:,} planned, {events['sent']:,} sent, {events['accepted']:,} stored, {events['rejected']:,} refused, {events['unknown']:,} unknown. {proof['note']}")
    if events["unknown"] or events["planned"] != events["accepted"] + events["rejected"] or not proof["agrees"]:
        return 3
    return 1 if events["rejected"] or document["rows"]["rejected"] else 0


def _ask(question: str) -> bool:
    if not sys.stdin.isatty():
        raise BadInput("Nothing was sent: nobody confirmed it.", "Add --yes to send.")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


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

    from ingest.jobs import run_worker
    from ingest.processes import log_to

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


def _pairs(texts: list[str] | None, flag: str) -> dict[str, str]:
    """`name=value` texts as a mapping."""
    pairs = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise BadInput(f"{flag} {text!r} has no '='.", f"Write {flag} name=value.")
        pairs[name] = value
    return pairs


def _kinds(texts: list[str] | None) -> dict[str, str]:
    """`VALUE=SLUG` texts as a mapping; a value may hold an equals sign, a slug can't."""
    pairs = {}
    for text in texts or []:
        value, equals, slug = text.rpartition("=")
        if not equals or not slug:
            raise BadInput(f"--kind {text!r} doesn't say which event type is meant.", "Write --kind VALUE=SLUG.")
        pairs[value] = slug
    return pairs


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
    given.preview_options(given.add_command(commands, "preview", preview))
    given.push_options(given.add_command(commands, "push", push))
    given.sandbox_options(given.add_command(commands, "sandbox", sandbox))
    given.add_command(commands, "worker", worker)
    given.add_command(commands, "up", up)
    return parser


if __name__ == "__main__":
    sys.exit(main())
