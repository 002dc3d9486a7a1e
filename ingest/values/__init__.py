"""Text into types, as SQL: what a column's cells look like, and the expression that reads them.

    numbers   point or comma, thousands marks, exponents, the narrowest decimal
    dressed   currencies, units, percent signs, and the signs of bookkeepers around a number
    units     how units are written, and the exact factors between them
    durations lengths of time such as 1:05:30 or 3h 25m, as seconds
    forms     the forms of dates and times, rewritten to ISO
    months    the names of months, in the languages that tables come in
    times     which forms a column has, day or month first, and the cast
    zones     local time to UTC, with the hours that don't exist or come twice
    others    yes and no, UUIDs
    spoilt    what a spreadsheet did to text on the way

Nothing here decides silently: where a column has two readings, the evidence comes back beside the reading.
"""
