"""What a command found, in lines for a person, out of the document that --json prints."""

import json
from collections.abc import Iterator

from ingest.wording import count


def table(report: dict) -> str:
    """One file that was read, or why it wasn't."""
    parts = [f"{count(report['rows'], 'row')}, {count(len(report['columns']), 'column')}", report["format"], report["encoding"], report["sheet"] and f"sheet {report['sheet']}", report["excluded"] and f"{len(report['excluded'])} rows left out"]
    return f"{report['file']}: {report['error'] or ', '.join(str(part) for part in parts if part)}"


def event_types(found: list[dict]) -> Iterator[str]:
    """The event types of an account with their fields."""
    for each in found:
        yield f"{each['slug']}: {each['name']} ({', '.join(field['name'] + ':' + field['type'] for field in each['fields'])})"
    if not found:
        yield "There are no event types yet."


def checks(document: dict) -> Iterator[str]:
    """A check of a file, or one for each kind of usage in it."""
    for each in document.get("kinds", [document]):
        yield from check(each)
    yield from _events(document["events"])


def check(document: dict) -> Iterator[str]:
    """The row equation of one import, its issues, totals and open questions."""
    rows = document["rows"]
    yield f"{document['import_id']}: {count(rows['read'], 'row')} = {rows['accepted']:,} ready + {rows['rejected']:,} need fixing + {rows['duplicate']:,} already sent or repeated + {rows['excluded']:,} left out"
    if (period := document.get("recipe", {}).get("period")) and period["proposed"]:
        yield f"  proposed: the rows are of {period['start']} to before {period['end']} ({period['zone']}), {period['proposed']}. Say another with --period YYYY-MM."
    for issue in document["issues"]:
        where = ", ".join(f"row {example['row']}: {example['value']!r}" if example["row"] else str(example["value"]) for example in issue["examples"][:3])
        yield f"  {issue['severity']}: {issue['count']:,} × {issue['code']} in {issue['column'] or 'the row'} ({where}). {issue['todo']}"
    for total in document["comparisons"]:
        yield f"  {'agrees' if total['agrees'] else 'DIFFERS'}: {total['what']}, {total['expected']} by the {total['source']}, {total['found']} found"
    for question in document["questions"]:
        yield f"  question {question['name']}: {question['text']}"
    for offer in document.get("offers", ()):
        yield f"  offered: {offer['text']} Say yes with --take-offers."


def _events(events: dict) -> Iterator[str]:
    """The second line of the row equation, where there is more to say than the first one says."""
    if events["per_row"] == len(events["kinds"]) == 1:
        return
    times = f" × {events['per_row']} - {events['empty']:,} empty cells" if events["per_row"] > 1 else ""
    parts = " + ".join(f"{each['usages']:,} {each['event_type'] or ('left out' if each['left_out'] else 'of no kind of usage yet')}" for each in events["kinds"])
    yield f"events: {count(events['rows'], 'row')}{times} = {parts}; {events['events']:,} of them ready"


def changes(document: dict) -> Iterator[str]:
    """What an import would change, beside an earlier one, with the customers it changes most."""
    if document["against"] is None:
        yield "There is no earlier import of this kind to compare it with."
        return
    yield f"Against {document['against']} ({document['against_file']}, {document['against_period'] or 'no period'}): {document['new']:,} new, {document['unchanged']:,} unchanged, {document['changed']:,} changed, {document['removed']:,} removed"
    for each in document["customers"][:20]:
        totals = ", ".join(f"{field} {before} → {after}" for field, (before, after) in each["totals"].items())
        yield f"  {each['customer_id']}: {each['events'][0]:,} → {each['events'][1]:,} events{', ' if totals else ''}{totals}"


def overview(document: dict) -> Iterator[str]:
    """The cells of each column, and the values of one."""
    for each in document["columns"]:
        cells = ", ".join(f"{each[state]:,} {state}" for state in ("valid", "corrected", "invalid", "empty"))
        yield f"{each['column']}{' → ' + each['field'] if each['field'] else ''}: {cells}; {'' if each['distinct_is_exact'] else 'about '}{each['distinct']:,} different"
    if found := document.get("values"):
        yield f"{found['column']}: from {found['smallest']} to {found['largest']}; most frequent: {', '.join(repr(each['value']) + ' × ' + format(each['count'], ',') for each in found['frequent'])}"


def corrections(document: dict) -> Iterator[str]:
    """The corrections of an import, and what its rows come to with them."""
    for each in document["corrections"]:
        yield f"{'undone' if each['undone'] else 'done'}: {json.dumps(each['correction'], ensure_ascii=False)} ({each['who']}, {each['at'][:16]})"
    if document["check"]:
        yield from check(document["check"])


def recipes(found: list[dict]) -> Iterator[str]:
    """The recipes with what each is for."""
    for each in found:
        yield f"{each['name']} (version {each['version']}): {each['event_type']}"
    if not found:
        yield "There are no recipes yet. Save one with: python -m ingest recipe save IMPORT_ID NAME"


def decisions(document: dict) -> Iterator[str]:
    """The one list of decisions, and what stands between the import and sending it."""
    for each in document["decisions"]:
        given = each["given_to"]
        waits = f" Waiting for {given['colleague']}{': ' if given['comment'] else ''}{given['comment']}." if given else ""
        yield f"{'open' if each['open'] else 'settled' if each['settled'] else 'to know'}: {each['text']} [{each['name']}]{waits}"
    yield from document["reasons_not_to_send"] or ["Nothing stands between this import and sending it."]


def customer_names(document: dict) -> Iterator[str]:
    """What customers are called in files, and which imports have to be checked again for it."""
    for each in document["names"]:
        yield f"{each['name']} → {each['customer_id'] or 'never billed'}"
    if not document["names"]:
        yield "No customer has another name yet."
    if document["check_again"]:
        yield f"Have to be checked again: {', '.join(document['check_again'])}."


def metrics(found: list[dict]) -> Iterator[str]:
    """The metrics of an account, with what each does."""
    for each in found:
        yield f"{each['name']}: {each['sentence']} Registered: {each['registered']}."
    if not found:
        yield "There are no metrics yet. Make one with: python -m ingest metric create --file FILE.yaml"


def metric(document: dict, done: str) -> Iterator[str]:
    """A metric that was kept or registered."""
    yield f"Registered {document['name']} as {document['aggregate_id']}." if done == "register" else f"Saved {document['name']}, version {document['version']}: {document['sentence']}"
    yield from document.get("warnings", ())


def removed_metric(document: dict) -> Iterator[str]:
    """A metric that was forgotten, and what is left of it."""
    yield f"Removed {document['name']}."
    if document["aggregate_id"]:
        yield f"{document['account']} keeps it, as {document['aggregate_id']}, and goes on billing by it: end that there."


def metric_sql(document: dict) -> Iterator[str]:
    """A metric's two queries, to be read and pasted."""
    for title, name in (("All customers", "aggregation_query"), ("One customer", "cust_agg_query")):
        if name == "aggregation_query" or document[name] != document["aggregation_query"]:
            yield f"-- {title}"
            yield f"{document[name]};"


def metric_preview(document: dict) -> Iterator[str]:
    """The quantities of a metric, the total last."""
    for row in document["rows"]:
        yield "\t".join("" if value is None else str(value) for value in row.values())
    yield f"total\t{'' if document['total'] is None else document['total']}"
    if document["capped"]:
        yield f"(the first {len(document['rows']):,} of {document['groups']:,}; the total is of all)"
    yield from (*document["notes"], *document["warnings"])
    if "price" in document:
        yield from prices(document["price"])


def prices(document: dict) -> Iterator[str]:
    """What each customer would pay, with the lines of the invoice below; the total last."""
    for row in document["rows"]:
        groups = "\t".join(str(value) for name, value in row.items() if name not in ("quantity", "amount", "lines", "note"))
        amount = "no amount" if row["amount"] is None else f"{document['currency']} {row['amount']}"
        yield "\t".join([groups, row["quantity"], amount, *([row["note"]] if "note" in row else [])])
        yield from (f"    {line['text']}" for line in row["lines"])
    yield f"to pay\t{document['currency']} {document['total']}" + (f", without {count(document['without_amount'], 'charge that has no amount', 'charges that have no amount')}" if document["without_amount"] else "")


def push(document: dict) -> str:
    """What became of a push."""
    events = document["events"]
    return f"{document['push_id']}: {events['planned']:,} planned, {events['sent']:,} sent, {events['accepted']:,} stored, {events['rejected']:,} refused, {events['unknown']:,} unknown. {document['proof']['note']}"


def source(what: str, document: dict) -> Iterator[str]:
    """What came of a command about sources."""
    if what == "list":
        yield from (_source_line(each) for each in document["sources"])
        if not document["sources"]:
            yield "There are no sources yet."
    elif what == "show":
        yield document["yaml"].rstrip()
    elif what == "runs":
        yield from (_run_line(each) for each in document["runs"])
    elif what == "alarms":
        yield from (f"{each['at'][:16]} {each['source']} ({each['kind']}): {each['text']}" for each in document["alarms"])
    elif what == "test":
        yield from (f"{'ok' if each['ok'] else 'FAILED'}  {each['name']}: {each['text']} {each['todo']}".rstrip() for each in document["steps"])
    elif what == "discover":
        yield from (f"{each['name']} ({each['what']}{_about(each['rows'])})" for each in document["found"])
    elif what == "preview":
        yield "\t".join(document["columns"])
        yield from ("\t".join(str(value or "") for value in row.values()) for row in document["rows"])
    elif what in ("run", "backfill", "give-up"):
        yield from (f"{line['text']}" for line in document.get("log", ()))
        yield _run_line(document) if document["run_id"] else document["message"]
    elif what == "remove":
        yield f"Removed {document['removed']}. What it brought stays."
    elif what == "call-key":
        yield f"Calls of {document['path']} are signed with this key, which isn't shown again:\n{document['key']}"
    else:
        yield _source_line(document)


def _about(rows: int | None) -> str:
    return "" if rows is None else f", about {rows:,} rows"


def _source_line(each: dict) -> str:
    alarms = f"; {count(len(each['alarms']), 'alarm')}" if each["alarms"] else ""
    return f"{each['name']}: {each['connector']}, {each['state']}, {each['schedule']}, next {each['next_at'] or 'by hand'}, newest {each['mark'] or 'nothing yet'}{alarms}"


def _run_line(each: dict) -> str:
    rows = each["rows"]
    return f"{each['run_id']} {each['state']}: {rows['read']:,} read, {rows['new']:,} new, {rows['changed']:,} changed, {rows['duplicate']:,} known, {rows['rejected']:,} need fixing, {each['sent']:,} sent. {each['message']}"
