"""Pulling: usage from where it lives → files of text that are imported like any other.

    connectors   every connector by its name; each is a module of its own, imported when it is used
    connector    what a connector is: tables (rows, by a cursor) or files (listed, fetched whole)
    pulled_file  rows of any types → a Parquet file of text that loses nothing, which reading takes as it is
    windows      what is new: from where to where a run reads, and where the mark goes
    schedule     when a source is due
    guard        which addresses may be reached
    reach        name, port and TLS: the first steps of every test
    web          HTTP under the guard: checked addresses, credentials for their own server alone
    patterns     which file names are meant
    landing      a fetched file, whole or not at all

Nothing here keeps state or knows of imports: ingest/sources.py and ingest/pulling.py put it together.
"""
