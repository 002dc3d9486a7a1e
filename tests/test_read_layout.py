"""What is table and what is not, for texts and sheets alike: each case is a small table with the names and the rows that should come out of it."""

import csv
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import xlsxwriter

from ingest.errors import Unreadable
from ingest.raw import raw_query
from ingest.read import read_file
from ingest.read.kinds import PLAIN_NUMBER
from schemas.reading import ReadReport, ReadSpec

Grid = list[list[str]]
Read = Callable[..., tuple[ReadReport, list[tuple]]]

CASES = """
## plain
= customer|day|quantity
H customer|day|quantity
D acme|2026-10-01|5
D globex|2026-10-02|6
D hooli|2026-10-03|7
## all text with repeated values
= Region|Status|Owner
H Region|Status|Owner
D EU|open|anna
D EU|closed|bob
D US|open|anna
D US|open|carl
## years header decimals
= Country Name|Country Code|Indicator Name|1960|1961|1962
H Country Name|Country Code|Indicator Name|1960|1961|1962
D Aruba|ABW|Population|54211|55438|56225
D Afghanistan|AFG|Population|8996351|9166764|9345868
D Angola|AGO|Population|5643182|5753024|5866061
## worldbank preamble
= Country Name|Country Code|1960|1961|1962
X Data Source|World Development Indicators
X
X Last Updated Date|2026-10-01
X
H Country Name|Country Code|1960|1961|1962
D Aruba|ABW|54211|55438|56225
D Afghanistan|AFG|8996351|9166764|9345868
D Angola|AGO|5643182|5753024|5866061
D Albania|ALB|1608800|1659800|1711319
## key-value preamble 2col
= Date|Value
X Station:|Berlin
X Elevation:|48
X Operator:|DWD
H Date|Value
D 2026-10-01|5
D 2026-10-02|6
D 2026-10-03|7
D 2026-10-04|8
## missing header numbers
= column_1|column_2|column_3
D acme|5|2026-10-01
D globex|6|2026-10-02
D hooli|7|2026-10-03
## missing header text code
= column_1|column_2|column_3|column_4
D 1|Male|London|12.5
D 2|Female|Leeds|13.5
D 3|Male|London|14.5
D 4|Female|York|12.5
## units row
= customer|energy kWh|cost EUR
H customer|energy|cost
H |kWh|EUR
D acme|5|1.5
D globex|6|2.5
D hooli|7|3.5
## group header
= customer|2026 jan|2026 feb|2025 jan|2025 feb
H |2026||2025|
H customer|jan|feb|jan|feb
D acme|1|2|3|4
D globex|5|6|7|8
D hooli|9|10|11|12
## title over group header
= Region|Male Count|Male Share|Female Count|Female Share
X Table 3. Population by sex
X
H Region|Male||Female|
H |Count|Share|Count|Share
D North|100|49.5|102|50.5
D South|110|49.1|114|50.9
D West|120|48.1|130|51.9
X Source: Statistics Office
X Note: provisional figures
## totals in middle
= Dept|Item|Amount
H Dept|Item|Amount
D IT|laptop|1000
D IT|mouse|20
X Subtotal||1020
D HR|chair|200
D HR|desk|400
X Subtotal||600
X Grand Total||1620
## repeated header
= id|name|qty
H id|name|qty
D 1|bolt|5
D 2|nut|6
X id|name|qty
D 3|gear|7
D 4|cog|8
## blank rows between
= id|name|qty
H id|name|qty
X
D 1|bolt|5
X
D 2|nut|6
X
X
D 3|gear|7
## blank column left
= id|name|qty
H |id|name|qty
D |1|bolt|5
D |2|nut|6
D |3|gear|7
## blank column in the middle
= id|name|qty
H id||name|qty
D 1||bolt|5
D 2||nut|6
D 3||gear|7
## comments hash
= id|name|qty
X # exported by tool
X # on 2026-10-01
H id|name|qty
D 1|bolt|5
D 2|nut|6
X # half way
D 3|gear|7
D 4|cog|9
## empty cells in first data row
= customer|note|day|qty
H customer|note|day|qty
D acme|||5
D globex|x|2026-10-02|6
D hooli||2026-10-03|7
## first data row all zero or text na
= site|value1|value2
H site|value1|value2
D A|n/a|n/a
D B|1.5|2.5
D C|1.6|2.6
## first row text in number columns (suppressed)
= site|value1|value2
H site|value1|value2
D A|suppressed|1.1
D B|1.5|2.5
D C|1.6|2.6
D D|1.7|2.7
## survey two header (surveymonkey)
= Respondent ID|Collector ID|Start Date|Which features do you use? Reports|Alerts
H Respondent ID|Collector ID|Start Date|Which features do you use?|
H |||Reports|Alerts
D 1001|55|2026-10-01|Yes|No
D 1002|55|2026-10-02|No|No
D 1003|55|2026-10-03|Yes|Yes
## one text column
= name
H name
D acme
D globex
D hooli
D initech
## header with numbers in names
= Id|Amount 2025|Amount 2026
H Id|Amount 2025|Amount 2026
D 1|5|6
D 2|7|8
D 3|9|10
## partially empty header
= date|column_2|value
H date||value
D 2026-10-01|x|1
D 2026-10-02|y|2
D 2026-10-03|z|3
## booleans text
= feature|enabled|beta
H feature|enabled|beta
D a|true|false
D b|true|true
D c|false|false
## header equals value below later
= type|count
H type|count
D type|5
D other|6
D third|7
## gov budget long title, merged-like
= Budget line|Description|2025 Actual|2026 Budget
X City of Springfield — Budget Report
X Fiscal Year 2026
X All amounts in USD
X
H Budget line|Description|2025 Actual|2026 Budget
D 100|Salaries|500000|520000
D 200|Supplies|20000|21000
D 300|Travel|5000|4000
X Total||525000|545000
X
X Prepared by the finance department.
## crosstab with empty corner
= column_1|North|South|West
H |North|South|West
D apples|1|2|3
D pears|4|5|6
D plums|7|8|9
## dates as header
= customer|2026-10-01|2026-10-02|2026-10-03
H customer|2026-10-01|2026-10-02|2026-10-03
D acme|1|2|3
D globex|4|5|6
D hooli|7|8|9
## header with two rows, second full text
= Code Area code|Name Area name|Pop Population
H Code|Name|Pop
H Area code|Area name|Population
D E01|Leeds|100
D E02|York|200
D E03|Hull|300
D E04|Bath|400
## notes column far right sparse
= id|qty|remark
H id|qty|remark
D 1|5|
D 2|6|
D 3|7|late
D 4|8|
## total label in other language with percent
= Abteilung|Menge|Anteil
H Abteilung|Menge|Anteil
D IT|1.234,5|50 %
D HR|1.000,0|40 %
D FI|250,0|10 %
X Gesamt|2.484,5|100 %
## long footnote single row without blank
= Area|Rate
H Area|Rate
D North|1.5
D South|1.6
D West|1.7
X Note: rates are per 100,000 population and are age standardised.
## preamble looks like table with numbers
= Invoice|Item|Qty|Price
X Invoice no|4711|Date|2026-10-01
X Customer|ACME||
X
H Invoice|Item|Qty|Price
D 4711|bolt|5|1.5
D 4711|nut|6|0.5
D 4711|gear|7|2.5
D 4711|cog|8|2.5
## title in merged first row over all text
= Name|Role|Team
X Team directory
H Name|Role|Team
D Anna|Engineer|Core
D Bob|Designer|Web
D Carl|Manager|Core
## bank statement
= Buchungstag|Valuta|Verwendungszweck|Betrag|Währung
X Kontonummer:|DE12 3456 7890 1234
X Zeitraum:|01.10.2026 - 31.10.2026
X Kontostand vom 31.10.2026:|1.234,56 EUR
X
H Buchungstag|Valuta|Verwendungszweck|Betrag|Währung
D 01.10.2026|01.10.2026|Miete|-800,00|EUR
D 02.10.2026|02.10.2026|Gehalt|2.500,00|EUR
D 03.10.2026|04.10.2026|Supermarkt|-45,30|EUR
## google analytics export
= Month|Users|Sessions
X # ----------------------------------------
X # All Web Site Data
X # Audience Overview
X # 20261001-20261031
X # ----------------------------------------
X
H Month|Users|Sessions
D 2026-08|100|200
D 2026-09|110|210
D 2026-10|120|220
## adwords
= Campaign|Clicks|Impressions|Cost
X Campaign report
X October 1, 2026 - October 31, 2026
H Campaign|Clicks|Impressions|Cost
D Brand|10|1000|5.50
D Generic|20|5000|15.50
D Display|5|9000|2.50
X Total: Campaigns|35|15000|23.50
X Total: Account|35|15000|23.50
## gov: title rows spanning, header with long text, sub header numbers row
= Area|Persons|Males|Females
X Table A1: Usual residents by sex, 2021
X Released: 2 November 2026
X
H Area|Persons|Males|Females
D England|56490000|27700000|28790000
D Wales|3107500|1521200|1586300
D Scotland|5479900|2666000|2813900
X
X Source: Census 2021
X © Crown copyright
## column index row under header (1)(2)(3)
= State|Literacy|Area
H State|Literacy|Area
X (1)|(2)|(3)
D Kerala|94.0|38863
D Goa|88.7|3702
D Bihar|61.8|94163
## NA heavy
= station|2024-01|2024-02|2024-03
H station|2024-01|2024-02|2024-03
D A|NA|NA|1.5
D B|NA|2.5|2.6
D C|NA|NA|NA
## header w/ date range preamble wide
= Date|Impressions|Clicks|CTR
X Performance report|||2026-10-01 - 2026-10-31
X
H Date|Impressions|Clicks|CTR
D 2026-10-01|100|5|5%
D 2026-10-02|110|6|5.45%
D 2026-10-03|120|7|5.83%
X Total|330|18|5.45%
## colonless key-values
= Date|Value
X Station|Berlin
X Elevation|48
X
H Date|Value
D 2026-10-01|5.5
D 2026-10-02|6.5
D 2026-10-03|7.5
D 2026-10-04|8.5
## no header, text in all columns, codes
= column_1|column_2|column_3
D A1|open|x@y.org
D A2|open|z@y.org
D A3|closed|q@y.org
D A4|open|r@y.org
## no header dates first
= column_1|column_2|column_3
D 2026-10-01|acme|start
D 2026-10-02|globex|stop
D 2026-10-03|acme|start
D 2026-10-04|hooli|start
## no header with blank cell in first row
= column_1|column_2|column_3|column_4
D 1|bolt||5
D 2|nut|M3|6
D 3|gear|M4|7
## header over all text with emails/ids
= user|email|role
H user|email|role
D anna|anna@x.org|admin
D bob|bob@x.org|user
D carl|carl@x.org|user
## wide matrix no names left corner, years
= column_1|2019|2020|2021
H |2019|2020|2021
D Births|100|110|120
D Deaths|90|95|99
D Marriages|50|40|45
## fiscal years
= Agency|2022/23|2023/24|2024/25
H Agency|2022/23|2023/24|2024/25
D Health|100|90|80
D Roads|50|45|40
D Police|50|45|40
## hours
= meter|0|1|2|3|4|5|6|7
H meter|0|1|2|3|4|5|6|7
D m1|0.5|0.6|0.7|0.8|0.9|1|1.1|1.2
D m2|1.5|1.6|1.7|1.8|1.9|2|2.1|2.2
D m3|2.5|2.6|2.7|2.8|2.9|3|3.1|3.2
## year as data column with header
= Country|Year|Value
H Country|Year|Value
D Austria|2018|5
D Austria|2019|6
D Austria|2020|7
## start end years no header
= column_1|column_2|column_3
D Austria|2018|2020
D Belgium|2016|2022
D Chile|2001|2003
D Denmark|1999|2010
## label value table, two rows of blanks then footer
= Metric|Value
H Metric|Value
D Users|100
D Sessions|250
D Pageviews|900
X
X
X Exported by Analytics on 2026-11-01
## data rows where total customer is real
= customer|qty
H customer|qty
D Total Energies|5
D acme|6
D Sum Corp|7
## total row with blank first cell
= region|product|qty
H region|product|qty
D north|bolt|5
D south|nut|6
D west|gear|7
X |Total|18
## repeated page header with title
= id|name|qty
X Stock list
H id|name|qty
D 1|bolt|5
D 2|nut|6
D 3|screw|6
X Stock list
X id|name|qty
D 4|gear|7
D 5|cog|8
D 6|pin|8
## survey: question text header + code row
= Q1 How often do you travel?|Q2 Which mode?|Q3 Rate 1-5
H Q1|Q2|Q3
H How often do you travel?|Which mode?|Rate 1-5
D weekly|train|4
D daily|car|3
D weekly|bus|5
D never|none|1
## semis
= Kreis|Einwohner|Fläche km²|Dichte
X Bevölkerung der Kreise
X Stand: 31.12.2025
X
H Kreis|Einwohner|Fläche|Dichte
H ||km²|
D Ansbach|41.681|99,9|417
D Bayreuth|74.048|66,9|1107
D Coburg|41.842|48,3|866
X
X Quelle: Statistisches Landesamt
## genesis style two header with units and code columns
= column_1|column_2|Bevölkerung männlich Anzahl|Bevölkerung weiblich Anzahl
X Bevölkerung: Kreise, Stichtag
X Fortschreibung des Bevölkerungsstandes
H ||Bevölkerung|Bevölkerung
H ||männlich|weiblich
H ||Anzahl|Anzahl
D 01001|Flensburg|45000|46000
D 01002|Kiel|120000|126000
D 01003|Lübeck|104000|112000
X __________
X © Statistisches Bundesamt
X Stand: 01.11.2026
## indented categories with blank values (section rows kept)
= Category|Amount
H Category|Amount
D Income|
D Salaries|100
D Rent|50
D Costs|
D Food|20
D Fuel|10
## last row like note but data
= name|note
H name|note
D acme|fine
D globex|late
D hooli|
## key values then three columns
= Date|Min|Max
X Station|Berlin
X Elevation|48
X
H Date|Min|Max
D 2026-10-01|5.5|9
D 2026-10-02|6.5|8
D 2026-10-03|7.5|9
D 2026-10-04|7.5|9
## title at the left of an indented table
= id|name|qty
X Parts list
X
H ||id|name|qty
D ||1|bolt|5
D ||2|nut|6
D ||3|gear|7
## title in the first column over a table with an empty first column
= id|name|qty
X Parts list of October
H |id|name|qty
D |1|bolt|5
D |2|nut|6
D |3|gear|7
X Note: only parts in stock
## trap: text in number column in the first data row with header
= id|name|score
H id|name|score
D 1|Anna|absent
D 2|Bob|5.5
D 3|Carl|6.5
D 4|Dora|7.5
## trap: all text plus one numeric, first row longer texts
= Item|Remarks|Qty
H Item|Remarks|Qty
D A very long item description here|Some remark of many words|unknown quantity
D Bolt|ok|5
D Nut|ok|6
D Gear|ok|7
## multiline header merged three levels
= Kreis|Bevölkerung Männer 2024|Bevölkerung Männer 2025|Bevölkerung Frauen 2024|Bevölkerung Frauen 2025
X Statistik
X
H |Bevölkerung|||
H |Männer||Frauen|
H Kreis|2024|2025|2024|2025
D A|1|2|3|4
D B|5|6|7|8
D C|9|10|11|12
## pandas index
= column_1|name|n
H |name|n
D 0|a|5
D 1|b|6
D 2|c|7
## type row
= id int|name string|score float
H id|name|score
H int|string|float
D 1|Anna|5.5
D 2|Bob|6.5
D 3|Carl|7.5
## total columns and multiple totals rows end
= Region|Q1|Q2|Total
H Region|Q1|Q2|Total
D North|1|2|3
D South|3|4|7
X Total|4|6|10
X Average|2|3|5
## eurostat
= geo|2023|2024|2025
H geo|2023|2024|2025
D AT|:|1.5|1.6
D BE|2.5|2.6 p|2.7
D DE|3.5|3.6|:
## hierarchical with indent groups
= column_1|Item|Amount
H |Item|Amount
D Assets||
D |Cash|5
D |Bank|6
D Debts||
D |Loan|7
## sectioned all text without numbers
= Name|Role|Team
H Name|Role|Team
D Anna|Engineer|Core
D Bob|Designer|
X
D Carl|Manager|
D Dora|Writer|
D Emil|Writer|
X
D Fritz|Engineer|Web
## two tables same columns twice with title
= name|qty
X Table 1
H name|qty
D a|1
D b|2
D c|3
X
X Table 2
X name|qty
D d|4
D e|5
D f|6
## group label rows between
= Product|Jan|Feb
H Product|Jan|Feb
D Fruit||
D apple|1|2
D pear|3|4
D Veg||
D leek|5|6
D kale|7|8
X Total|16|20
## footers with page numbers in the middle
= id|name|qty
H id|name|qty
D 1|bolt|5
D 2|nut|6
D 3|gear|7
X Page 1 of 2
X id|name|qty
D 4|cog|8
D 5|pin|9
X Page 2 of 2
## long table of totals per group with blank
= Dept|Item|Amount
H Dept|Item|Amount
D IT|laptop|1000
D IT|mouse|20
X Total IT||1020
X
D HR|chair|200
D HR|desk|400
X Total HR||600
X
X Grand Total||1620
## date header in words
= Item|October 1, 2026|October 2, 2026
H Item|October 1, 2026|October 2, 2026
D a|1|2
D b|3|4
D c|5|6
"""
"""Each line of a case begins with what it is: `=` the names that should come out, H header, D a row of the table, X no part of it."""


def parsed(block: str) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The names that should come out, and the lines with what they are."""
    _, names, *lines = block.rstrip("\n").split("\n")
    return names[2:].split("|"), [(line[0], line[2:].split("|") if line[2:] else []) for line in lines]


KNOWN = {block.split("\n")[0]: parsed(block) for block in CASES.split("## ")[1:]}


def as_csv(path: Path, grid: Grid) -> None:
    """Rows as long as they are."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(grid)


def as_padded_csv(path: Path, grid: Grid) -> None:
    """All rows of one width, as spreadsheets write them."""
    width = max(map(len, grid))
    as_csv(path, [[*cells, *[""] * (width - len(cells))] for cells in grid])


def as_xlsx(path: Path, grid: Grid) -> None:
    """Numbers and days as such."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet, day = book.add_worksheet("Usage"), book.add_format({"num_format": "yyyy-mm-dd"})
        for row, cells in enumerate(grid):
            for column, cell in enumerate(cells):
                if PLAIN_NUMBER.fullmatch(cell) and str(float(cell)).removesuffix(".0") == cell:
                    sheet.write_number(row, column, float(cell))
                elif len(cell) == 10 and cell[4] == cell[7] == "-":
                    sheet.write_datetime(row, column, datetime.fromisoformat(cell), day)
                elif cell:
                    sheet.write_string(row, column, cell)


WRITERS: dict[str, Callable[[Path, Grid], None]] = {"short.csv": as_csv, "usage.csv": as_padded_csv, "usage.xlsx": as_xlsx}


@pytest.fixture
def read(home: Path, tmp_path: Path) -> Read:
    """Writes a grid as a file of a name, reads it, and gives the report and the rows with their numbers."""
    def work(name: str, grid: Grid, **spec: object) -> tuple[ReadReport, list[tuple]]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        (folder / "out").mkdir()
        WRITERS[name](folder / name, grid)
        report = read_file(folder / name, name, ReadSpec(**spec), folder / "out")
        return report, duckdb.sql(f"select * exclude (_file, _sheet) from ({raw_query(folder / 'out', report)})").fetchall()

    return work


def expected(lines: Sequence[tuple[str, list[str]]]) -> list[tuple]:
    """The rows of the table with their numbers; columns in which nothing stands are left out."""
    width = max(len(cells) for _, cells in lines)
    used = [place for place in range(width) if any(kind in "HD" and place < len(cells) and cells[place] for kind, cells in lines)]
    return [(number, *((cells[place] or None) if place < len(cells) else None for place in used)) for number, (kind, cells) in enumerate(lines, 1) if kind == "D"]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("case", KNOWN)
def test_what_is_table(read: Read, case: str, name: str) -> None:
    names, lines = KNOWN[case]
    report, rows = read(name, [cells for _, cells in lines])
    assert (list(report.columns), rows) == (names, expected(lines))
    left_out = {number for number, (kind, _) in enumerate(lines, 1) if kind == "X"}
    listed = {row.row for row in report.excluded}
    assert listed >= {number for number in left_out if any(lines[number - 1][1])} and not listed & {row[0] for row in rows}


@pytest.mark.parametrize("grid, columns", [
    ([["customer", "n"]], ("customer", "n")),
    ([["Usage report"], [], ["customer", "day", "n"]], ("customer", "day", "n")),
])
def test_a_header_without_rows_has_the_same_names_everywhere(read: Read, grid: Grid, columns: tuple[str, ...]) -> None:
    for name in WRITERS:
        report, rows = read(name, grid)
        assert (report.columns, report.rows, rows) == (columns, 0, []) and any("no rows below" in warning for warning in report.warnings)


FIRST = [["customer", "day", "qty"], ["acme", "2026-10-01", "5"], ["globex", "2026-10-02", "6"], ["hooli", "2026-10-03", "7"]]
ITEMS = [["item", "price"], ["bolt", "1.5"], ["nut", "2.5"], ["gear", "3.5"]]
CITIES = [["city", "country", "people", "area"], ["Berlin", "DE", "3", "891"], ["Paris", "FR", "2", "105"], ["Rome", "IT", "2", "1285"]]
BELOW = [*FIRST, [], ["Prices"], [], *ITEMS, [], *CITIES]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("table, wanted, first", [(None, FIRST, 1), (1, FIRST, 1), (2, ITEMS, 8), (3, CITIES, 13)])
def test_tables_below_each_other(read: Read, name: str, table: int | None, wanted: Grid, first: int) -> None:
    report, rows = read(name, BELOW, table=table)
    assert (list(report.columns), rows) == (wanted[0], [(number, *cells) for number, cells in enumerate(wanted[1:], first + 1)])
    filled = {number for number, cells in enumerate(BELOW, 1) if cells}
    assert {row.row for row in report.excluded} >= filled - {row[0] for row in rows} - set(report.header_rows)
    assert [option["spec"] for question in report.questions for option in question["options"]] == ([{"table": 1}, {"table": 2}] if table is None else [])


def test_there_is_no_fourth_table(read: Read) -> None:
    for name in WRITERS:
        with pytest.raises(Unreadable, match="There are 3 tables"):
            read(name, BELOW, table=4)


BESIDE = [["customer", "qty", "", "item", "price"], ["acme", "5", "", "bolt", "1.5"], ["globex", "6", "", "nut", "2.5"], ["hooli", "7", "", "gear", "3.5"], ["", "", "", "cog", "4.5"], ["", "", "", "pin", "5.5"]]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("beside, columns, count", [(None, slice(0, 2), 3), (1, slice(0, 2), 3), (2, slice(3, 5), 5)])
def test_tables_beside_each_other(read: Read, name: str, beside: int | None, columns: slice, count: int) -> None:
    report, rows = read(name, BESIDE, beside=beside)
    assert (list(report.columns), rows) == (BESIDE[0][columns], [(number, *cells[columns]) for number, cells in enumerate(BESIDE[1 : count + 1], 2)])
    assert [(row.row, row.reason) for row in report.excluded] == ([] if beside == 2 else [(5, "beside the table"), (6, "beside the table")])
    assert [option["spec"] for question in report.questions for option in question["options"]] == ([{"beside": 1}, {"beside": 2}] if beside is None else [])


def test_one_table_with_an_empty_column_in_it_stays_one(read: Read) -> None:
    for name in WRITERS:
        report, rows = read(name, [[*cells[:1], "", *cells[1:]] for cells in FIRST])
        assert (list(report.columns), [row[1:] for row in rows], report.questions) == (FIRST[0], [tuple(cells) for cells in FIRST[1:]], ())


@pytest.mark.parametrize("name", WRITERS)
def test_a_column_that_is_empty_for_long_is_kept(read: Read, name: str) -> None:
    rows = [[f"c{number}", "", str(number)] for number in range(700)]
    rows[650][1] = "late"
    report, found = read(name, [["customer", "", "n"], *rows])
    assert (report.columns, found[650], len(found)) == (("customer", "column_2", "n"), (652, "c650", "late", "650"), 700)


def test_every_question_carries_the_change_that_answers_it(read: Read) -> None:
    for grid in (BELOW, BESIDE, [["customer", "2026-10", "2026-11", "2026-12"], ["acme", "1", "2", "3"], ["globex", "4", "5", "6"]]):
        question, = read("usage.csv", grid)[0].questions
        assert set(question) == {"name", "text", "answer", "options"} and question["answer"] == question["options"][0]["value"]
        for option in question["options"]:
            assert set(option) == {"value", "label", "spec"} and read("usage.csv", grid, **option["spec"])[0].questions == ()
