"""Values as texts: what ClickHouse writes for each type."""

from sqlglot import exp

from ingest.clickhouse.dialect import cast, duck
from ingest.clickhouse.moments import time_text
from ingest.clickhouse.values import Value, as_number


def text_sql(value: Value) -> exp.Expr:
    """The text ClickHouse writes for a value."""
    kind = value.type
    if kind.is_decimal:
        return duck("case when contains(cast(:x as varchar), '.') then rtrim(rtrim(cast(:x as varchar), '0'), '.') else cast(:x as varchar) end", x=value.sql)
    if kind.is_float:
        return float_text(value.sql)
    if kind.is_time:
        return time_text(value)
    if kind.name == "Bool":
        return cast(value.sql, "VARCHAR")
    return cast(as_number(value) if kind.is_number else value.sql, "VARCHAR")


SIGN = "case when starts_with(:s, '-') then '-' else '' end"
DIGITS = "rtrim(ltrim(replace(replace(split_part(:s, 'e', 1), '-', ''), '.', ''), '0'), '0')"


def float_text(sql: exp.Expr) -> exp.Expr:
    """A Float64's shortest digits, with an exponent from 1e21 on and below 1e-6, as ClickHouse writes it."""
    s = cast(sql, "VARCHAR")
    places = plain_float_text(sql)
    small = duck("abs(:x) >= cast('1e-6' as double) and abs(:x) < cast('1e21' as double)", x=sql)
    digits = duck(DIGITS, s=s)
    return duck("case when isnan(:x) then 'nan' when :x = 0 then replace(:s, '.0', '') when isinf(:x) then :s when :small then :places else :sign || left(:digits, 1) || case when length(:digits) > 1 then '.' || substr(:digits, 2) else '' end || 'e' || cast(cast(split_part(:s, 'e', 2) as integer) as varchar) end",
                x=sql, s=s, small=small, places=places, sign=duck(SIGN, s=s), digits=digits)


def plain_float_text(sql: exp.Expr) -> exp.Expr:
    """A Float64's shortest digits, without an exponent and without zeros at the end."""
    s = cast(sql, "VARCHAR")
    mantissa = duck("ltrim(split_part(:s, 'e', 1), '-')", s=s)
    exponent = duck("coalesce(try_cast(nullif(split_part(:s, 'e', 2), '') as integer), 0)", s=s)
    point = duck("length(split_part(:m, '.', 1)) + :e", m=mantissa, e=exponent)
    digits = duck("replace(:m, '.', '')", m=mantissa)
    before = duck("case when :point <= 0 then '0' else rpad(left(:digits, cast(:point as integer)), cast(:point as integer), '0') end", point=point, digits=digits)
    after = duck("rtrim(case when :point <= 0 then repeat('0', -:point) || :digits else substr(:digits, :point + 1) end, '0')", point=point, digits=digits)
    return duck("case when isnan(:x) then 'nan' when isinf(:x) then :s else :sign || :before || case when :after = '' then '' else '.' || :after end end", x=sql, s=s, sign=duck(SIGN, s=s), before=before, after=after)
