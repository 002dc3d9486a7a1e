"""What people may write in SQL: for every function that is known, expressions over columns of the types it takes."""

from itertools import product

N, F, D, M, S, B, DAY, TIME, U, AT, WHO, FEW = ("data.n", "data.f", "data.d", "data.m", "data.s", "data.b", "data.dt", "data.t", "data.u", "timestamp", "customer_id", "data.`cpu hours`")
NUMBERS, EVERYTHING = (N, F, D, M, FEW), (N, F, D, M, S, B, DAY, TIME, U, AT, WHO)
BERLIN = "'Europe/Berlin'"
OVER = "OVER (PARTITION BY customer_id ORDER BY timestamp, data.event_id, data.n, data.f, data.d, data.s, data.m, data.t, data.dt"
FROM_THE_FIRST, TO_THE_LAST, ALL = (f"{OVER} ROWS BETWEEN {bounds})" for bounds in ("UNBOUNDED PRECEDING AND CURRENT ROW", "CURRENT ROW AND UNBOUNDED FOLLOWING", "UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"))
SIGNS = {"equals": "=", "notEquals": "!=", "less": "<", "greater": ">", "lessOrEquals": "<=", "greaterOrEquals": ">="}
UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
PATTERNS = ("e%", "%u", "_u", "a\\\\%b", "%", "", "E%", "%''%", "back\\\\\\\\slash")


def each(template: str, *values: object) -> list[str]:
    """The template, once with each value in the place of its `{}`."""
    return [template.format(*value) if isinstance(value, tuple) else template.format(value) for value in values]


def _steps(unit: str, sign: str) -> list[str]:
    name = f"{sign}{unit.capitalize()}s"
    return [f"{name}({AT}, 1)", f"{name}({TIME}, {FEW})", f"{name}(toTimeZone({AT}, {BERLIN}), 2)", *([] if unit in UNITS[:3] else [f"{name}({DAY}, 3)"])]


COMPARISONS = {name: [
    *each(f"{{}} {sign} {{}}", *product((N, F, D, M), repeat=2), *product((N, F, M), ("1.5", "-7", "18446744073709551615", "0.1"))), f"{S} {sign} 'eu'", f"{S} {sign} {WHO}", f"{DAY} {sign} '2026-10-01'", f"{TIME} {sign} '2026-10-25 00:30:00'",
    f"{TIME} {sign} {AT}", f"{TIME} {sign} {DAY}", f"{B} {sign} true", f"{B} {sign} 1", f"{name}({N}, 7)", *([f"{U} {sign} {U}"] if "quals" in name and "Or" not in name else []),
] for name, sign in SIGNS.items()}
LOGIC = {
    "and": [*each("and({}, {})", *product((B, N, F), (B, "1", "NULL"))), f"{B} AND true", f"and({B}, {N} > 1)"], "or": each("or({}, {})", *product((B, N, F), (B, "0", "NULL"))), "xor": each("xor({}, {})", *product((B, N, F), (B, "1"))),
    "not": [*each("not({})", B, N, F), f"NOT {B}"], **{name: each(f"{name}({{}})", *EVERYTHING) for name in ("isNull", "isNotNull", "toNullable")},
    "coalesce": each("coalesce({})", f"{N}, {FEW}, 5", f"{D}, {M}", f"{S}, {WHO}, 'x'", f"{DAY}, toDate32('2026-10-01')", f"{TIME}, {AT}", f"NULL, {N}", f"{M}, 0", f"{B}, false"),
    "ifNull": each("ifNull({})", f"{N}, 0", f"{S}, ''", f"{D}, {M}", f"{F}, 0", f"{U}, toUUID('00000000-0000-0000-0000-000000000005')"), "nullIf": each("nullIf({})", f"{N}, 7", f"{S}, 'eu'", f"{F}, 0.1", f"{M}, 0", f"{WHO}, ''"),
    "if": each("if({})", f"{B}, {N}, 0", f"{N} > 1, {D}, {M}", f"{S} = 'eu', 'x', {S}", f"{B}, 1, 2.5", f"{B}, 300, -1", f"{B}, NULL, 1"), "multiIf": [f"multiIf({N} > 1, 'a', {N} < 0, 'b', {S})", f"multiIf({B}, 1, {N} = 7, 2.5, 3)",
    f"CASE WHEN {B} THEN {M} ELSE 0 END", f"CASE {S} WHEN 'eu' THEN 1 WHEN 'us' THEN 2 END"], **{name: each(f"{name}({{}})", f"{N}, 5", f"{N}, {FEW}", f"{D}, {M}", f"{F}, 1, 2.5", f"{S}, {WHO}", f"{TIME}, {AT}") for name in ("greatest", "least")},
}
CONVERSIONS = {
    **{f"to{sign}Int{bits}": [*each(f"to{sign}Int{bits}({{}})", N, DAY, B, "'7'", f"toDateTime({AT})", f"if(abs({F}) < 100, abs({F}), 1)", f"if(abs({M}) < 100, abs({M}), 1)"), f"CAST({N} AS Nullable({sign}Int{bits}))"] for sign, bits in product(("", "U"), (8, 16, 32, 64))},
    "toFloat64": [*each("toFloat64({})", N, F, D, M, DAY, TIME, B, "'2.5'"), f"CAST({M} AS Nullable(Float64))"], "toBool": [*each("toBool({})", N, F, M, "'true'"), f"CAST({N} AS Nullable(Bool))"],
    **{f"toDecimal{bits}": each(f"toDecimal{bits}({{}}, {scale})", M, FEW, "'12.345678'", "-1.005", f"if(abs({F}) < 1000, {F}, 0)", *((N,) if bits > 64 else ())) for bits, scale in ((32, 2), (64, 4), (128, 18), (256, 18))},
    "toString": [*each("toString({})", *EVERYTHING), f"toString({AT}, {BERLIN})", f"CAST({N} AS Nullable(String))"], "toUUID": [f"toUUID({U})", "toUUID('00000000-0000-0000-0000-000000000005')", f"toUUID(toString({U}))"],
}
ARITHMETIC = {
    **{name: [*each(f"{{}} {sign} {{}}", *product((N, F, FEW), repeat=2), *product((N, F, M), ("1", "0.5", "-3")), (FEW, M)), f"{name}({N}, 1)"] for name, sign in (("plus", "+"), ("minus", "-"), ("multiply", "*"))},
    "divide": [*each("{} / {}", *product((N, F, M, D), ("3", "0.5")), (N, FEW)), f"divide({N}, 2)"], "modulo": [f"{N} % 7", f"{N} % -7", f"modulo({N}, {FEW})", f"{F} % 2"], "intDiv": [f"intDiv({N}, 7)", f"intDiv({N}, -2)", f"{N} DIV 3"],
    **{name: each(f"{name}({{}})", *NUMBERS) for name in ("negate", "abs", "sign")}, **{name: [*each(f"{name}({{}}{{}})", *product((N, F, D, M), ("", ", 1"))), f"{name}({F}, -1)"] for name in ("round", "roundBankers", "trunc", "floor", "ceil")},
    **{name: each(f"{name}({{}})", F, N, M) for name in ("sqrt", "exp", "log", "log2", "log10")}, "pow": [f"pow({F}, 2)", f"pow({N}, 0.5)", f"pow(2, {FEW})"], **{name: each(f"{name}({{}})", F, f"1 / {FEW}", "0 / 0") for name in ("isNaN", "isInfinite", "isFinite")},
}
ARITHMETIC["plus"] += [f"{DAY} + 1", f"{AT} + 60", f"{TIME} + INTERVAL 1 DAY", f"{DAY} + INTERVAL 1 MONTH", f"{AT} + INTERVAL 3 HOUR"]
ARITHMETIC["minus"] += [f"{DAY} - 1", f"{AT} - 60", f"{TIME} - INTERVAL 1 MONTH", f"{DAY} - INTERVAL 1 YEAR", f"toDate({AT}) - toDate('2026-10-01')", f"toDateTime({AT}) - toDateTime('2026-10-01 00:00:00')"]
TEXTS = {
    **{name: each(f"{name}({{}})", S, WHO, "'  Ä b '") for name in ("lower", "upper", "lowerUTF8", "upperUTF8", "length", "lengthUTF8", "trimBoth", "trimLeft", "trimRight", "empty", "notEmpty")},
    **{name: each(f"{name}({{}})", f"{S}, 'e'", f"{S}, ''", f"{WHO}, {S}", f"{S}, 'é'") for name in ("startsWith", "endsWith", "position")}, "replaceAll": [f"replaceAll({S}, 'e', 'xx')", f"replaceAll({S}, '', 'y')", f"replace({S}, '\\\\', '/')"],
    "concat": [f"concat({S}, '-', {WHO})", f"{S} || {WHO}", f"concat({N}, {S})"], "substringUTF8": each(f"substringUTF8({S}, {{}})", "2", "1, 2", "-2", "-2, 1", "5, 3"),
    "substring": ["substring('eu-west-1', 4, 4)", "substring(toString(data.n), 1, 2)"], "left": ["left('eu-west-1', 2)", "left(toString(data.n), 3)"], "right": ["right('eu-west-1', 1)", "right(toString(data.n), 2)"],
    **{name: each(f"{name}({S}, '{{}}')", *PATTERNS) for name in ("like", "notLike", "ilike", "notILike")}, "match": each(f"match({S}, '{{}}')", "^e", "[0-9]+", "", "é|us"),
}
TIMES = {
    **{name: [*each(f"{name}({{}})", AT, TIME, DAY, "'2026-10-25'"), f"{name}({AT}, {BERLIN})"] for name in ("toDate", "toDate32", "toDateTime")}, "DATE": [f"DATE({AT})"],
    "toDateTime64": each("toDateTime64({})", f"{AT}, 3", f"{AT}, 0", f"{DAY}, 6", f"{DAY}, 3, {BERLIN}", f"'2026-10-25 02:30:00', 3, {BERLIN}"), "toTimeZone": [f"toTimeZone({AT}, {BERLIN})", f"toHour(toTimeZone({AT}, 'Asia/Kolkata'))"],
    **{name: each(f"{name}({{}})", AT, DAY, f"{TIME}, {BERLIN}") for name in ("toYear", "toQuarter", "toMonth", "toDayOfMonth", "toDayOfYear", "toISOWeek", "toISOYear", "toYYYYMM", "toYYYYMMDD", "toStartOfMonth", "toStartOfQuarter", "toStartOfYear", "toMonday")},
    "toDayOfWeek": [f"toDayOfWeek({AT})", f"toDayOfWeek({DAY})"], **{name: each(f"{name}({{}})", AT, f"{TIME}, {BERLIN}", f"{AT}, 'Asia/Kolkata'") for name in ("toHour", "toMinute", "toSecond", "toStartOfHour", "toStartOfMinute", "toStartOfDay")},
    "dateTrunc": each("dateTrunc('{}', {})", *product(UNITS, (AT, f"{TIME}, {BERLIN}")), *product(("year", "month", "week"), (DAY,))),
    "toUnixTimestamp": [f"toUnixTimestamp(greatest({AT}, toDateTime64('1970-01-01 00:00:00', 3)))"], **{name: each(f"{name}({{}})", AT, TIME) for name in ("toUnixTimestamp64Milli", "toUnixTimestamp64Micro")},
    "dateDiff": each("dateDiff('{}', {}, {})", *product(UNITS, (AT,), (TIME,)), *product(UNITS[3:], ("toDate32('2026-01-31')",), (DAY,)), ("day", AT, f"toDateTime64('2026-11-01 00:00:00', 3), {BERLIN}")),
    **{f"{sign}{unit.capitalize()}s": _steps(unit, sign) for unit, sign in product(UNITS, ("add", "subtract"))}, "formatDateTime": [f"formatDateTime({AT}, '%Y-%m-%d %H:%i:%S')", f"formatDateTime({AT}, '%F %T', {BERLIN})", f"formatDateTime({DAY}, '%Y-%m')"],
}
WINDOWS = {
    **{name: [f"{name}() {OVER})"] for name in ("row_number", "rank", "dense_rank")}, **{name: each(f"{name}({{}}) {OVER})", N, f"{AT}, 1", f"{WHO}, 2, 'none'") for name in ("lag", "lead")},
    "lagInFrame": [f"lagInFrame({N}) {FROM_THE_FIRST}"], "leadInFrame": [f"leadInFrame({AT}) {TO_THE_LAST}"], **{name: [f"{name}({AT}) {OVER})", f"{name}({WHO}) {ALL}"] for name in ("first_value", "last_value")},
}
OF_ROWS = {**COMPARISONS, **LOGIC, **CONVERSIONS, **ARITHMETIC, **TEXTS, **TIMES, **WINDOWS}
"""By function: expressions of one event."""
IN_TURN = "(timestamp, ifNull(data.event_id, ''), ifNull(toString({0}), ''))"
OF_GROUPS = {
    **{name: [*each(f"{name}({{}})", *NUMBERS, B), f"{name}If({N}, {B})", f"{name}OrNull({FEW})", f"{name}(DISTINCT {FEW})", f"{name}({FEW} * 2)", f"{name}({M} + 1)"] for name in ("sum", "sumKahan", "avg")},
    "count": ["count()", "count(*)", *each("count({})", *EVERYTHING), f"countIf({N} > 1)", *each("count(DISTINCT {})", N, D, S, B, DAY, TIME, U), f"count() FILTER (WHERE {B})"], "uniqExact": [*each("uniqExact({})", N, F, D, M, S, B, DAY, TIME, U, f"{S}, {B}"), f"uniqExactIf({S}, {B})"],
    **{name: [*each(f"{name}({{}})", *NUMBERS, S, B, DAY, TIME, AT, WHO), f"{name}If({N}, {B})", f"{name}OrNull({D})", f"{name}({N} * -1)"] for name in ("min", "max")},
    **{name: [*each(f"{name}({{0}}, {IN_TURN})", N, D, M, S), f"{name}If({N}, {IN_TURN.format(N)}, {B})"] for name in ("argMax", "argMin")},
    **{name: [*each(f"{name}({{}})({{}})", *product(("0.5", "0.95"), (*NUMBERS, TIME))), f"{name}If(0.9)({N}, {B})", f"{name}({N})"] for name in ("quantileExact", "quantileExactLow", "quantileExactHigh")},
    **{name: each(f"{name}({{}})({{}})", *product(("0.5", "0.95", "0.01"), (N, F, FEW))) for name in ("quantileExactInclusive", "quantileExactExclusive")},
}
"""By aggregate: expressions of the events of a group."""
