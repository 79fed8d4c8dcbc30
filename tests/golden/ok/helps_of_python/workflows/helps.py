"""What messages say to write instead of Python's own functions and methods."""

from datetime import datetime
from decimal import Decimal
from enum import Enum

from perdure import cast, func, interval, sleep, sql, workflow


class State(Enum):
    NEW = "new"
    OLD = "old"


@workflow
def of_members(state: State, other: State | None = None):
    match state.value:
        case "new":
            return f"{State.OLD.value} {state.value}"
    return {"state": state.value, "other": "" if other is None else other.value}


@workflow
def helps(n: int, s: str, amount: Decimal, ids: list[int], at: datetime):
    sleep(interval("1 minute") * n)
    sleep(cast(f"{n}m{n}s", "interval"))
    a = func.floor(cast(amount, "numeric") / 3)
    a2 = func.div(n, 3)
    b = func.power(amount, 2)
    c = func.cardinality(ids)
    d = cast(func.trunc(amount * 100), int)
    e = func.left(s, 3)
    f = func.substr(s, 3, 4)
    g = func.right(s, 2)
    h = sql("select (:ids)[1:3] as part", expect="one")
    i = func.repeat(s, 3)
    j = func.trim(s)
    k = func.starts_with(s, "x")
    k2 = func.string_to_array(s, ",")
    l = func.concat_ws(", ", s, n)
    m = cast(at, "text")
    o = func.to_char(at, "YYYY-MM-DD")
    p = func.extract("epoch", at)
    q = func.extract("isodow", at) - 1
    r = func.timezone("Europe/Berlin", at)
    t = func.round(amount, 2)
    u = func.initcap(s)
    v = func.ltrim(s)
    w = func.regexp_replace(s, "^prefix", "")
    x = func.lpad(s, 5, "0")
    y = func.strpos(s, "a") - 1
    z = func.translate(s, "0123456789", "") == ""
    aa = func.convert_to(s, "UTF8")
    bb = func.encode(aa, "hex")
    cc = func.convert_from(aa, "UTF8")
    dd = func.gen_random_uuid()
    ee = func.greatest(n, 3)
    ff = func.least(n, 3)
    gg = func.make_date(2026, cast(n, "integer"), 1)
    hh = cast(f"2026-{n}-1 12:30", "timestamptz")
    ii = func.lpad(cast(n, str), 5, "0")
    jj = func.to_char(amount, "FM999,999,990.00")
    kk = func.quote_literal(s)
    ll = func.abs(n)
    mm = func.rpad(s, 10)
    nn = func.strpos(s, "part") > 0
    oo = func.array_position(ids, 1) is not None
    pp = func.random()
    qq = func.current_date()
    rr = func.rtrim(s)
    tt = func.extract("day", at - at)
    uu = func.extract("year", at)
    vv = func.lower(s)
    ww = func.replace(s, "a", "b")
    xx = func.to_char(n, "FM999990.00")
    yy = cast(at, "date")
    return {"a": a, "k": k, "z": z, "bb": bb}
