"""Writes storage_october.xlsx beside this file: two sheets, a title above the header, a totals row below. The same bytes every time."""

import random
from datetime import date, datetime, timedelta
from pathlib import Path

import xlsxwriter

TARGET = Path(__file__).with_name("storage_october.xlsx")
CUSTOMERS = {
    "cus_acme": ("Acme Tooling", 812.5), "cus_globex": ("Globex & Sons", 2310.0), "cus_initech": ("Initech Solutions", 145.25),
    "cus_hooli": ("Hooli", 9640.75), "cus_stark": ("Stark Building Services", 410.0), "cus_umbrella": ("Umbrella Testing", 66.5),
}
HEADER = ("Customer", "Day", "Storage class", "GB stored", "Requests")


def rows() -> list[tuple[str, date, str, float, int]]:
    """Every fifth day: what each customer had stored, in GB."""
    chance = random.Random(10)
    days = [date(2026, 10, 1) + timedelta(days=5 * step) for step in range(7)]
    return [
        (customer, day, chance.choice(("standard", "cold")), round(size * chance.uniform(0.9, 1.15), 3), chance.randint(200, 90_000))
        for day in days for customer, (_, size) in CUSTOMERS.items()
    ]


def write(target: Path) -> None:
    """Writes the workbook."""
    book = xlsxwriter.Workbook(str(target))
    book.set_properties({"title": "Storage, October 2026", "created": datetime(2026, 11, 2)})
    bold, day_format = book.add_format({"bold": True}), book.add_format({"num_format": "dd mmm yyyy"})
    _storage(book.add_worksheet("Storage"), bold, day_format)
    customers = book.add_worksheet("Customers")
    customers.write_row(0, 0, ("Customer", "Name"), bold)
    for line, (customer, (name, _)) in enumerate(CUSTOMERS.items(), 1):
        customers.write_row(line, 0, (customer, name))
    book.close()


def _storage(sheet: xlsxwriter.worksheet.Worksheet, bold: xlsxwriter.format.Format, day_format: xlsxwriter.format.Format) -> None:
    sheet.set_column(0, 4, 14)
    sheet.write(0, 0, "Storage by customer, October 2026", bold)
    sheet.write(1, 0, "Exported by the storage team on 2 November 2026")
    sheet.write_row(3, 0, HEADER, bold)
    table = rows()
    for line, (customer, day, kind, size, requests) in enumerate(table, 4):
        sheet.write_row(line, 0, (customer, None, kind, size, requests))
        sheet.write_datetime(line, 1, datetime.combine(day, datetime.min.time()), day_format)
    end = 4 + len(table)
    sheet.write(end, 0, "Total", bold)
    for column, total in ((3, round(sum(row[3] for row in table), 3)), (4, sum(row[4] for row in table))):
        letter = "ABCDE"[column]
        sheet.write_formula(end, column, f"=SUM({letter}5:{letter}{end})", bold, total)


if __name__ == "__main__":
    write(TARGET)
