"""Bringing usage in, row by row accounted for. How a row travels:

    file ── read ──▶ raw ── match ──▶ typed events ── check ──▶ accepted │ rejected │ duplicate │ excluded
                                                                  │
                                      preview (metrics) ◀─────────┤
                                                                  ▼
                                  proof ◀── verify ◀── push ⇄ billing API

`imports/` takes one import through these stages; `commands.py` is the command line's way of doing it, `jobs.py` the durable one.
"""
