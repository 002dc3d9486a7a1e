"""What rows leave open among each other, put as questions with the effect of each answer. What columns leave open is in readings.py."""

from collections.abc import Mapping, Sequence

from ingest.wording import count as count_of
from schemas.checking import Question, QuestionOption, SentBefore
from schemas.deciding import CHANGED_ROWS, CUSTOMER_TOTALS, LEAVE_OUT, SEND
from schemas.matching import EarlierKey


def _rows(count: int, one: str, many: str) -> str:
    return f"1 row {one}" if count == 1 else f"{count:,} rows {many}"


def identical_rows(rows: int, row: int, first: int, sums: Mapping[str, str], pasted: tuple[int, int, int, int] | None) -> Question:
    """Are identical rows separate events? Only a person knows, and the bill hangs on it. `row` is the same as `first`; `pasted` says from where to where rows repeat which others."""
    adds = ", ".join(f"{value} to {field}" for field, value in sums.items())
    options = (
        QuestionOption(value="keep", label="Yes, every row counts", effect=f"{_rows(rows, 'is', 'are')} sent too{f', adding {adds}' if adds else ''}"),
        QuestionOption(value="once", label="No, count them once", effect=f"{_rows(rows, 'is', 'are')} left out as a duplicate"),
    )
    evidence = f"as row {row} does row {first}"
    if pasted:
        evidence = f"most of them as if a block was pasted twice: rows {pasted[0]} to {pasted[1]} are rows {pasted[2]} to {pasted[3]} again"
    text = f"{_rows(rows, 'repeats', 'repeat')} an earlier row of this file exactly, {evidence}. Is that separate usage?"
    return Question(name="identical_rows", text=text, options=options, proposed=None if pasted else "keep")


def sender(sent: SentBefore) -> str:
    """An import that sent something, as people know it: its file and its day."""
    return f"{sent.file_name} (sent on {sent.sent_at[:10]})" if sent.file_name else f"import {sent.import_id}"


def already_sent(senders: Sequence[SentBefore]) -> Question:
    """Is usage that looks like events sent from another file new? Not sent again until somebody says so, so it doesn't block."""
    rows = sum(each.rows for each in senders)
    options = (
        QuestionOption(value="again", label="Yes, the same usage again", effect=f"{_rows(rows, 'is', 'are')} not sent a second time"),
        QuestionOption(value="new", label="No, it is new usage that looks alike", effect=f"{_rows(rows, 'is', 'are')} sent as new usage"),
    )
    named = ", ".join(sender(each) for each in senders[:3]) + (f" and {len(senders) - 3} more" if len(senders) > 3 else "")
    text = f"{_rows(rows, 'looks', 'look')} exactly like usage that was sent to this account from another file: {named}. Is it the same usage again?"
    return Question(name="already_sent", text=text, options=options, proposed="again", blocking=False)


def key_changed(earlier: EarlierKey, close: int) -> Question:
    """Is another key than before meant? It blocks where rows of this file stand beside sent ones of the same customer and time: corrections would be billed twice."""
    before = " + ".join(earlier.fields) or "all columns"
    options = (
        QuestionOption(value="stop", label="Send nothing: choose the same columns as before", effect="a corrected row is recognised as a change of the one that was sent"),
        QuestionOption(value="send", label="Send them under these columns", effect=f"{_rows(close, 'is', 'are')} sent beside events of the same customer and time" if close else "no row of this file has the customer and time of a sent one"),
    )
    text = f"Until now {before} made a row the same row ({earlier.file_name}, sent on {earlier.sent_at[:10]}); for this file it is something else. " + (
        f"{_rows(close, 'has', 'have')} the customer and time of an event that was sent, and may be a correction of it. Send as new usage?" if close else "Is that meant?")
    return Question(name="key_changed", text=text, options=options, proposed="stop" if close else "send", blocking=close > 0)


def sent_differently(gone: int, waiting: int) -> Question:
    """Are these rows to be sent although the same file was sent before, read in another way?"""
    options = (
        QuestionOption(value="stop", label="Send nothing: put the columns, the key and the zone back", effect="nothing is billed twice"),
        QuestionOption(value="send", label="Send them: this is other usage", effect=f"{_rows(waiting, 'is', 'are')} sent beside the {count_of(gone, 'event')} in the account already"),
    )
    text = f"{count_of(gone, 'event of this very file was', 'events of this very file were')} sent before, when it was read in another way (other columns, key or time zone). Sending it again would bill its rows twice. Is it other usage?"
    return Question(name="sent_differently", text=text, options=options, proposed="stop")


def customer_totals(rows: int, row: int, label: str, customer: str, sums: Mapping[str, str]) -> Question:
    """What becomes of rows that add up the rows of one customer above them? `sums` is what they come to."""
    one = rows == 1
    added = ", ".join(f"{field} {total}" for field, total in sums.items())
    options = (
        QuestionOption(value=LEAVE_OUT, label=f"Leave {'it' if one else f'the {rows:,} rows'} out", effect=f"only the rows that {'it adds' if one else 'they add'} up are billed"),
        QuestionOption(value=SEND, label=f"Send {'it' if one else 'them'}", effect=f"{added} more, as usage of {'a customer' if one else 'customers'} of that name"),
    )
    text = f"{_rows(rows, 'looks', 'look')} like {'a total' if one else 'totals'} of the rows above: the customer is called so, and the number is their sum (row {row}: {label!r}, below the rows of {customer!r}). What becomes of {'it' if one else 'them'}?"
    return Question(name=CUSTOMER_TOTALS, text=text, options=options, proposed=LEAVE_OUT)


def changed_rows(rows: int, row: int, before: str, sums: Mapping[str, tuple[str, str]], *, same_export: bool) -> Question:
    """What becomes of rows that say otherwise what was sent, where no key tells that they are the same? `sums` are what was sent and what these rows add, by number."""
    sent = ", ".join(f"{field} {then}" for field, (then, _) in sums.items())
    added = ", ".join(f"{field} {now}" for field, (_, now) in sums.items())
    one = rows == 1
    options = (
        QuestionOption(value=LEAVE_OUT, label=f"Leave {'it' if one else f'the {rows:,} changed rows'} out", effect=f"the account keeps what was sent{f': {sent}' if sent else ''}; what it should be instead has to be credited or charged there"),
        QuestionOption(value=SEND, label=f"Send {'it' if one else 'them'} as well", effect=f"both are billed{f': {added} beside the earlier {sent}' if sent else ''}; the earlier usage has to be credited there, unless this is other usage"),
    )
    text = f"{_rows(rows, 'looks', 'look')} like {'a correction' if one else 'corrections'} of usage that was sent: the same but for the numbers, and what was sent isn't in this file any more (row {row}: {before}). The account can't change or take back what it has. What becomes of {'it' if one else 'them'}?"
    return Question(name=CHANGED_ROWS, text=text, options=options, proposed=LEAVE_OUT if same_export else None)
