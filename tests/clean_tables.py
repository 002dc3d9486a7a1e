"""Clean tables of different nature, to be damaged: what comes back from a damaged one is held against these."""

from typing import NamedTuple

Row = list[str]


class Table(NamedTuple):
    """A table, and how it is written as text."""

    name: str
    header: Row
    rows: list[Row]
    delimiter: str = ","
    quote: str = '"'
    end: str = "\r\n"
    quote_all: bool = False
    escape: str | None = None

    @property
    def lines(self) -> list[str]:
        """The header and the rows as they stand in the file, each with its end."""
        return [self.line(row) for row in (self.header, *self.rows)]

    @property
    def text(self) -> str:
        """The whole file."""
        return "".join(self.lines)

    def line(self, row: Row) -> str:
        """One record with its end."""
        return self.delimiter.join(map(self.cell, row)) + self.end

    def cell(self, cell: str) -> str:
        """A cell, quoted where it has to be."""
        if not self.quote or not (self.quote_all or any(mark in cell for mark in (*self.delimiter.strip(), self.delimiter, self.quote, "\r", "\n"))):
            return cell
        return self.quote + cell.replace(self.quote, (self.quote if self.escape is None else self.escape) + self.quote) + self.quote


KINDS = ["compute", "storage", "network"]
WORDS = ["Small, cheap and quick", "Large disk", 'The "gold" tier, yearly', "Plain", "Traffic; outgoing", "Up to 5, then 7", "Basic"]
COMMENTS = ["", "seen twice", "", "two\r\nlines, really", "", "late", "", "ask Ann, please", ""]
PLACES = ["Oslo", "Lyon", "Graz", "New York", "San José", "Porto", "Kiel"]
NAMES = ["Ann Berg", "Li Wei", "Omar Haddad", "Zoë Quist", "Jo", "Maria da Silva", "P. O'Neil", "Kim"]
SAYINGS = ["Prompt, as ever", "Calls back", "No answer", "Wants a quote, soon", "Moved", "Asked for Ben", "Closed; see file", "New", "Said \"later\""]


def sales(count: int = 84) -> list[Row]:
    """Nine columns of everything: dates, times, prices, links, quoted commas, line breaks in cells."""
    return [[f"{1 + number * 5 % 28:02d}/{1 + number % 12:02d}/2025", f"{number * 7 % 24:02d}:12:{number * 11 % 60:02d}", str(1 + number * 7 % 50), str(6_787_000 + number * 13), f"{number * 1.37:.2f}", KINDS[number % 3],
             WORDS[number % 7], f"https://example.org/p/{number}?a=b&c", COMMENTS[number % 9]] for number in range(1, count + 1)]


def usage(count: int = 60) -> list[Row]:
    """Seven columns as a program writes them: nothing quoted."""
    return [[f"2025-11-{1 + number % 28:02d}T{number % 24:02d}:00:00Z", f"cus_{number * 7919 % 100_000:05d}", ["acme", "globex", "hooli"][number % 3], ["api_calls", "storage_gb"][number % 2], f"{number * 0.125:.3f}",
             ["eu-west-1", "us-east-1", "ap-south-1"][number // 3 % 3], ["", "free"][number % 4 == 1]] for number in range(1, count + 1)]


def german(count: int = 50) -> list[Row]:
    """Six columns with decimal commas and letters beyond ASCII."""
    return [[str(1000 + number), ["Müller & Söhne", "Bäckerei Groß", "Kühn; Partner", "Jörg"][number % 4], f"{1 + number % 28:02d}.10.2025", f"{number * 3},{number % 100:02d}", f"{number * 1234 / 100:,.2f}".translate(str.maketrans(",.", ".,")),
             ["kWh", "Stück"][number % 2]] for number in range(1, count + 1)]


def sparse(count: int = 50) -> list[Row]:
    """Twelve columns, most of whose cells are empty."""
    return [[f"item {number}", *(f"{number * place}" if (number * 7 + place * 3) % 5 == 0 else "" for place in range(1, 9)), ["", "x"][number % 3 == 0], ["", "see below, please"][number % 11 == 0], f"{number / 4:.2f}"] for number in range(1, count + 1)]


def people(count: int = 40) -> list[Row]:
    """Five columns of nothing but text."""
    return [[f"{NAMES[number % 8]}", PLACES[number % 7], SAYINGS[number % 9], ["yes", "no", "open"][number % 3], f"ref-{number:03d}"] for number in range(1, count + 1)]


def noted(count: int = 40) -> list[Row]:
    """Three columns, the last one of long sentences."""
    return [[f"T{number:04d}", str(number * number % 97), f"It was seen by {NAMES[number % 8]}, in {PLACES[number % 7]}; {SAYINGS[number % 9].lower()}."] for number in range(1, count + 1)]


SALES = Table("sales", ["day", "time", "quantity", "product id", "price", "kind", "description", "link", "comment"], sales())
TABLES = (
    SALES,
    Table("all quoted", SALES.header, sales(30), quote_all=True),
    Table("usage", ["timestamp", "customer_id", "customer", "metric", "quantity", "region", "plan"], usage(), end="\n"),
    Table("german", ["Kundennr", "Kunde", "Datum", "Menge", "Betrag", "Einheit"], german(), delimiter=";"),
    Table("sparse", ["item", *(f"week {number}" for number in range(1, 9)), "mark", "note", "sum of it"], sparse()),
    Table("people", ["name", "town", "remark", "paid", "reference"], people(), end="\n"),
    Table("noted", ["ticket", "score", "what happened"], noted(), end="\n"),
    Table("one column", ["serial"], [[f"SN-{number * 7919 % 10_000:04d}"] for number in range(1, 41)], end="\n"),
    Table("two columns", ["customer", "hours"], [[NAMES[number % 8], f"{number * 0.25}"] for number in range(1, 31)], end="\n"),
    Table("three rows", ["customer", "day", "quantity", "note"], [["acme", "2025-11-01", "5", "first"], ["globex", "2025-11-02", "6.5", ""], ["hooli, inc", "2025-11-03", "7", "last"]], end="\n"),
    Table("one row", ["customer", "day", "quantity"], [["acme", "2025-11-01", "5"]], end="\n"),
)
