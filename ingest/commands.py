"""What the commands of the command line do, as documents: the same steps as the pages, in one go."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ingest import imports
from ingest.errors import BadInput, NotReady, Outside, Unreadable
from ingest.processes import sandbox_for
from ingest.settings import settings
from ingest.store import accounts, recipes
from ingest.wording import count
from schemas.account import Account
from schemas.checking import IssueExample, IssueGroup, Question
from schemas.correcting import CORRECTION, Condition, Correction, DropRows, Edit, FillDown, MapValues, SetCells
from schemas.event_type import FIELD_TYPES, OUR_FIELDS, EventType, Field
from schemas.matching import MatchSpec, Period
from schemas.previewing import FUNCTIONS, PreviewSpec
from schemas.reading import ReadSpec
from schemas.recipe import StoredRecipe
from schemas.records import ImportRecord

Document = dict[str, object]


def _shown(name: str) -> str:
    """A file's name as text: it may hold bytes that are none."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def list_event_types(account_name: str | None) -> list[Document]:
    """The event types of an account."""
    from ingest.billing import BillingClient

    account = accounts.account(account_name)
    with sandbox_for(account), BillingClient(accounts.account(account.name)) as client:
        return [each.model_dump(mode="json") for each in client.event_types()]


def create_event_type(account_name: str | None, name: str, slug: str, fields: list[str], *, find_again: bool) -> Document:
    """A new event type of an account, with `event_id` and `import_id` unless they are left out."""
    from ingest.billing import BillingClient

    wanted = EventType(name=name, slug=slug, fields=tuple(_field(text) for text in fields))
    ours = tuple(Field(name=each, type="String") for each in OUR_FIELDS if not wanted.has(each)) if find_again else ()
    account = accounts.account(account_name)
    with sandbox_for(account), BillingClient(accounts.account(account.name)) as client:
        return client.create_event_type(wanted.model_copy(update={"fields": wanted.fields + ours})).model_dump(mode="json")


def _field(text: str) -> Field:
    name, _, kind = text.partition(":")
    if kind not in FIELD_TYPES:
        raise BadInput(f"--field {text!r} has no known type.", f"Write name:Type with one of {', '.join(FIELD_TYPES)}.")
    return Field(name=name, type=kind)


def check_file(
    path: Path, *, slug: str | None, account: str | None, recipe: str | None, matches: Mapping[str, str], constants: Mapping[str, str], key: list[str] | None, answers: Mapping[str, str], zone: str | None,
    period: str | None, sheet: str | None, control_count: int | None, control_sums: Mapping[str, str], out_dir: Path | None,
) -> Document:
    """Imports a file (the same bytes are the same import), matches and checks it: as a recipe says, or as is said here."""
    from ingest import match as matching

    found = accounts.account(account)
    given = recipes.get(recipe) if recipe else None
    event_type = _event_type(found, _slug(slug, given))
    record = imports.start_or_find(path, _shown(path.name), settings().user, account=found.name, event_type=event_type.slug)
    answers = {**answers, **({"zone.timestamp": zone} if zone else {})}
    questions, followed = (), {}
    if given:
        followed = _follow(record.id, given, event_type, found, answers, matches, _period(period, zone))
    else:
        record = imports.read(record.id, ReadSpec(sheet=sheet) if sheet else None)
        if record.state == "unreadable":
            raise Unreadable(record.message)
        spec, questions = matching.build_spec(
            imports.read_record(record.id).report, imports.columns(record.id), event_type, chosen=matches, constants=constants, key=key, period=_period(period, zone),
            answers=answers, control_count=control_count, control_sums=control_sums,
            earlier=None if key else imports.earlier_key(record.id, event_type.slug, found.name),
        )
        imports.set_match(record.id, spec, found.name, settings().user)
    record = imports.check(record.id)
    if out_dir:
        _write_check(record, out_dir)
    document = _check_document(record, record.match, questions)
    return {**document, "issues": [*document["issues"], *(each.model_dump(mode="json") for each in _nearly_known(record, found))], **followed}


def _slug(slug: str | None, given: StoredRecipe | None) -> str:
    if slug and given and slug != given.recipe.event_type:
        raise BadInput(f"The recipe {given.recipe.name!r} is for {given.recipe.event_type!r}, not for {slug!r}.", "Leave --event-type out.")
    if not slug and not given:
        raise BadInput("It isn't said what this usage is.", "Add --event-type SLUG or --recipe NAME.")
    return slug or given.recipe.event_type


def _follow(import_id: str, given: StoredRecipe, event_type: EventType, found: Account, answers: Mapping[str, str], matches: Mapping[str, str], period: Period | None) -> Document:
    from ingest.recipes import follow

    drifted = follow(import_id, given.recipe, event_type, found.name, settings().user, answers=answers, matches=matches, period=period)
    return {"recipe": {"name": given.recipe.name, "version": given.version, **drifted.model_dump(mode="json")}}


def list_recipes() -> list[Document]:
    """Every recipe in its newest version."""
    return [_recipe_document(each) for each in recipes.newest()]


def show_recipe(name: str, version: int | None) -> tuple[Document, str]:
    """One recipe, as a document and as YAML."""
    from ingest.recipes import to_yaml

    found = recipes.get(name, version)
    return _recipe_document(found), to_yaml(found.recipe)


def save_recipe(import_id: str, name: str) -> Document:
    """A recipe of how an import was read, matched and corrected."""
    from ingest.recipes import save_from

    return _recipe_document(save_from(import_id, name, settings().user))


def add_recipe(path: Path) -> Document:
    """A recipe out of a YAML file, as the next version of its name."""
    from ingest.recipes import from_yaml

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{path.name} is no recipe: it isn't UTF-8 text.", "Use a file that was exported here.") from None
    return _recipe_document(recipes.save(from_yaml(text), settings().user))


def _recipe_document(found: StoredRecipe) -> Document:
    from ingest.recipes import as_document

    return {"name": found.recipe.name, "version": found.version, "who": found.who, "at": found.at, "event_type": found.recipe.event_type, "recipe": as_document(found.recipe)}


def _event_type(account: Account, slug: str) -> EventType:
    from ingest.billing import BillingClient

    with sandbox_for(account), BillingClient(accounts.account(account.name)) as client:
        found = client.event_type(slug)
        if found is None:
            known = ", ".join(each.slug for each in client.event_types()) or "none yet"
            raise BadInput(f"The account {account.name!r} has no event type {slug!r}.", f"It has: {known}. Create one with: python -m ingest event-type create.")
    return found


def _period(text: str | None, zone: str | None) -> Period | None:
    if text is None:
        return None
    year, _, month = text.partition("-")
    if not (year.isdecimal() and len(year) == 4 and int(year) >= 1 and month.isdecimal() and 1 <= int(month) <= 12):
        raise BadInput(f"--period {text!r} is not a month.", "Write it as YYYY-MM.")
    following = (int(year) + 1, 1) if int(month) == 12 else (int(year), int(month) + 1)
    return Period(start=f"{year}-{int(month):02d}-01", end=f"{following[0]:04d}-{following[1]:02d}-01", zone=zone or "UTC")


def _write_check(record: ImportRecord, out_dir: Path) -> None:
    from ingest import check as checking

    out_dir.mkdir(parents=True, exist_ok=True)
    folder = imports.check_folder(record.id)
    part = out_dir / "events.parquet.part"
    shutil.copyfile(folder / "events.parquet", part)
    part.replace(out_dir / "events.parquet")
    checking.issues_csv(folder, out_dir / "issues.csv")


def _nearly_known(record: ImportRecord, account: Account) -> list[IssueGroup]:
    """A warning about customers whom the account doesn't know and whose name is nearly that of a known one; none where it can't be asked."""
    from ingest.billing import BillingClient
    from ingest.push.unknown import unknown_customers

    try:
        with sandbox_for(account), BillingClient(accounts.account(account.name)) as client:
            found = [each for each in unknown_customers(record, client) if each.meant]
    except Outside:
        return []
    column = next((match.column for match in record.match.matches if match.field == "customer_id"), None)
    meant = ", ".join(f"{each.meant!r} for {each.customer_id!r}" for each in found[:5])
    examples = tuple(IssueExample(row=each.first_row, value=each.customer_id) for each in found[:5])
    todo = f"Correct the customer where a known one is meant: did you mean {meant}?"
    rows = sum(each.rows for each in found)
    return [IssueGroup(code="customer_nearly_known", severity="warning", column=column, count=rows, examples=examples, todo=todo, title="The account doesn't know this customer, but one of nearly the same name")] if found else []


def _check_document(record: ImportRecord, spec: MatchSpec, questions: tuple[Question, ...]) -> Document:
    result = record.check
    return {
        "import_id": record.id, "account": record.account, "event_type": record.event_type,
        "rows": result.rows.model_dump(),
        "matches": [{"field": each.field, "column": each.column, "constant": each.constant, "why": each.why, "confidence": each.confidence} for each in spec.matches],
        "ignored": list(spec.ignored), "key": list(result.key),
        "issues": [each.model_dump(mode="json") for each in result.issues],
        "questions": [each.model_dump(mode="json") for each in (*questions, *result.questions)],
        "comparisons": [each.model_dump(mode="json") for each in result.comparisons],
        "already_sent": result.already_sent, "sent_by": [each.model_dump(mode="json") for each in result.sent_by],
        "first_timestamp": result.first_timestamp, "last_timestamp": result.last_timestamp, "customers": result.customers,
    }


def correct_import(import_id: str, *, add: Sequence[str], edits: Sequence[str], replaced: Sequence[str], fill: Sequence[str], dropped: Sequence[int], reason: str, bring: Path | None, turn: str | None) -> Document:
    """Adds corrections, or undoes or redoes some, and checks the import again where its columns are matched."""
    from ingest import fixing

    who = settings().user
    added = _corrections(add, edits, replaced, fill, dropped, reason)
    if added:
        fixing.correct(import_id, added, who)
    if bring:
        fixing.bring_back(import_id, bring, _shown(bring.name), who)
    if turn == "redo":
        fixing.redo(import_id, who)
    elif turn:
        fixing.undo(import_id, who, everything=turn == "undo-all")
    record = imports.read_record(import_id)
    if record.match and not record.check:
        record = imports.check(import_id)
    listed = [each.model_dump(mode="json") for each in fixing.listed(import_id)]
    return {"import_id": import_id, "corrections": listed, "check": _check_document(record, record.match, ()) if record.check else None}


def _corrections(add: Sequence[str], edits: Sequence[str], replaced: Sequence[str], fill: Sequence[str], dropped: Sequence[int], reason: str) -> list[Correction]:
    cells = tuple(_edit(text) for text in edits)
    values = [_cut(text, ":", "--replace") for text in replaced]
    if dropped and not reason:
        raise BadInput("It isn't said why the rows are left out.", "Add --reason.")
    return [
        *(CORRECTION.validate_json(text) for text in add), *([SetCells(edits=cells)] if cells else []),
        *(MapValues(column=column, values=dict([_cut(rest, "=", "--replace")])) for column, rest in values), *(FillDown(column=column) for column in fill),
        *([DropRows(where=Condition(rows=tuple(dropped)), reason=reason)] if dropped else []),
    ]


def _edit(text: str) -> Edit:
    row, rest = _cut(text, ":", "--set")
    column, value = _cut(rest, "=", "--set")
    if not row.isdecimal():
        raise BadInput(f"--set {text!r} doesn't begin with a row number.", "Write --set ROW:COLUMN=VALUE.")
    return Edit(row=int(row), column=column, value=value)


def _cut(text: str, mark: str, flag: str) -> tuple[str, str]:
    first, found, rest = text.partition(mark)
    if not found:
        raise BadInput(f"{flag} {text!r} has no {mark!r}.", "Write --set ROW:COLUMN=VALUE, or --replace COLUMN:OLD=NEW.")
    return first, rest


def preview_import(import_id: str, *, by: tuple[str, ...], field: str | None, function: str | None) -> Document:
    """Totals of an import's accepted events."""
    function = function or ("sum" if field else "count")
    if function not in FUNCTIONS:
        raise BadInput(f"There is no function {function!r}.", f"Known functions: {', '.join(FUNCTIONS)}.")
    spec = PreviewSpec(by=by, field=field, function=function)
    table = imports.preview(import_id, spec)
    return {"import_id": import_id, "by": list(by), "field": field, "function": function, "rows": table.to_pylist()}


def push_import(import_id: str, *, account: str | None, yes: bool, rejected: str | None, ask: Callable[[str], bool], say: Callable[[str], None]) -> Document:
    """Sends an import and proves it. A push that was cut off goes on; one that is done answers with its receipt."""
    from ingest import jobs, push
    from ingest.store import imports as import_rows
    from ingest.store import pushes

    record = import_rows.get(import_id)
    if account and account != record.account:
        record = _for_account(record, accounts.account(account))
    target = accounts.account(record.account)
    known = [each for each in pushes.of_import(import_id) if each.ledger_name == target.ledger_name]
    unfinished = known[0] if known and known[0].state != "finished" else None
    if known and not unfinished and _nothing_new(record, known[0].check_key):
        return _push_document(push.progress(known[0].id), record)
    with sandbox_for(target):
        push_id = _confirmed_resume(unfinished.id, yes, ask) if unfinished else _confirmed_push(record, yes, rejected, ask, say)
        jobs.do_push(push_id, settings().user, told=_Telling(push_id, say).now)
        if not any(each.id == push_id for each in pushes.of_import(import_id)):
            raise NotReady(import_rows.get(import_id).message)
        return _push_document(push.progress(push_id), import_rows.get(import_id))


def _for_account(record: ImportRecord, target: Account) -> ImportRecord:
    if record.match is None:
        raise NotReady("The columns of this import aren't matched yet.", "Run check first.")
    imports.set_match(record.id, record.match, target.name, settings().user)
    return imports.check(record.id)


def _nothing_new(record: ImportRecord, pushed_check: str) -> bool:
    from ingest.store import imports as import_rows

    return import_rows.pointers(record.id)[1] == pushed_check or record.check is None or record.check.rows.accepted == 0


def _confirmed_resume(push_id: str, yes: bool, ask: Callable[[str], bool]) -> str:
    from ingest import push

    if not yes and not ask("This push was cut off. Go on with it?"):
        raise NotReady("Nothing more was sent.")
    if push.progress(push_id).state == "stopped":
        push.resume(push_id, settings().user)
    return push_id


def _as_proposed(record: ImportRecord, say: Callable[[str], None]) -> ImportRecord:
    """Identical rows are sent as the separate events they are proposed to be, said aloud and remembered in the match: that is what --yes agrees to. It agrees to nothing that has no proposal."""
    question = next((each for each in record.check.questions if each.name == "identical_rows" and each.proposed), None) if record.check else None
    if question is None:
        return record
    chosen = next(option for option in question.options if option.value == question.proposed)
    say(f"{question.text} --yes says: {chosen.label} ({chosen.effect}). To change it: check --answer {question.name}=once.")
    answers = {**record.match.answers, question.name: question.proposed}
    imports.set_match(record.id, record.match.model_copy(update={"answers": answers}), record.account, settings().user)
    return imports.check(record.id)


def _confirmed_push(record: ImportRecord, yes: bool, rejected: str | None, ask: Callable[[str], bool], say: Callable[[str], None]) -> str:
    from ingest import push

    record = _as_proposed(record, say) if yes else record
    choice = rejected or ("continue" if yes else record.rejected_choice)
    if choice and record.check and record.check.rows.rejected:
        record = imports.choose_rejected(record.id, choice, settings().user)
    if not yes and not ask(_summary_line(record)):
        raise NotReady("Nothing was sent.")
    return push.begin(record.id, settings().user)


def _summary_line(record: ImportRecord) -> str:
    from ingest import push

    if record.check is None:
        raise NotReady("This import hasn't been checked yet.")
    summary = push.summary(record.id)
    held = "" if summary.held is None else f" The account already holds {summary.held:,} of this kind for these customers and this period, {summary.held_elsewhere:,} of which did not come from here."
    return f"Send {count(summary.events, 'event')} for {count(summary.customers, 'customer')}, {summary.first_timestamp} to {summary.last_timestamp}, to {summary.account}? About {count(max(1, round(summary.seconds)), 'second')}.{held} Events can't be deleted afterwards."


class _Telling:
    """Says now and then how far a push is."""

    def __init__(self, push_id: str, say: Callable[[str], None]) -> None:
        self.push_id, self.say, self.last = push_id, say, -1

    def now(self) -> None:
        from ingest.store import pushes

        events, _, _ = pushes.counts(self.push_id)
        tenth = events.accepted * 10 // events.planned if events.planned else -1
        if tenth > self.last:
            self.last = tenth
            self.say(f"{events.accepted:,} of {count(events.planned, 'event')} {'is' if events.accepted == 1 else 'are'} stored.")


def _push_document(progress, record: ImportRecord) -> Document:  # noqa: ANN001
    receipt = progress.receipt
    proof = receipt.proof.model_dump(mode="json") if receipt else {"found": 0, "missing": progress.events.accepted, "extra": 0, "agrees": False, "note": progress.message}
    return {
        "push_id": progress.push_id, "import_id": progress.import_id, "account": progress.account, "state": progress.state, "message": progress.message,
        "rows": (receipt.rows if receipt else record.check.rows).model_dump(), "events": progress.events.model_dump(), "batches": progress.batches, "proof": proof,
    }
