"""Text into types, as SQL: what a column's cells look like, and the expression that reads them.

    numbers   point or comma, thousands marks, exponents, the narrowest decimal
    times     the common forms of dates and times, day or month first
    zones     local time to UTC, with the hours that don't exist or come twice
    others    yes and no, UUIDs

Nothing here decides silently: where a column has two readings, the evidence comes back beside the reading.
"""
