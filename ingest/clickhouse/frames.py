"""The frame of an OVER: which rows around one it looks at."""

from sqlglot import exp

from ingest.clickhouse.values import mistake


def frame(node: exp.Window) -> exp.WindowSpec | None:
    spec = node.args.get("spec")
    if spec is None:
        return None
    made = exp.WindowSpec(kind=spec.args["kind"].upper())
    for side in ("start", "end"):
        bound = spec.args.get(side)
        if isinstance(bound, exp.Expr):
            if not (isinstance(bound, exp.Literal) and bound.this.isdigit()):
                raise mistake(node, "A frame's bounds are whole numbers, UNBOUNDED or CURRENT ROW.")
            bound = bound.copy()
            if made.args["kind"] != "ROWS":
                raise mistake(node, "RANGE with numbers can't be previewed here.", "Use ROWS.")
        made.set(side, bound)
        if spec.args.get(f"{side}_side"):
            made.set(f"{side}_side", spec.args[f"{side}_side"].upper())
    return made
