"""What messages say to write instead of Python's own functions and methods."""

from datetime import datetime
from decimal import Decimal
from enum import Enum

from perdure import (
    Failure,
    cast,
    coalesce,
    func,
    http,
    interval,
    now,
    sleep,
    sql,
    workflow,
)


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
    b = func.power(cast(amount, "numeric"), 2)
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
    t2 = func.round(cast(amount, "numeric"), 2)
    t3 = func.ceil(amount) + func.floor(amount) + func.sqrt(amount) + func.trunc(amount)
    t4 = func.exp(amount) + func.ln(amount)
    t5 = func.floor(cast(n, "numeric") / 7) + n % 7
    k3 = func.split_part(s, ",", 1)
    u = func.initcap(s)
    v = func.ltrim(s)
    w = func.regexp_replace(s, "^prefix", "")
    x = func.lpad(s, func.greatest(5, func.length(s)), "0")
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
    ii = func.to_char(n, "FM9999999999999900000")
    jj = func.to_char(amount, "FM999,999,999,999,999,999,990.00")
    kk = func.quote_literal(s)
    ll = func.abs(n)
    mm = func.rpad(s, func.greatest(10, func.length(s)))
    nn = func.strpos(s, "part") > 0
    oo = func.array_position(ids, 1) is not None
    pp = func.random()
    qq = func.current_date()
    rr = func.rtrim(s)
    tt = func.extract("day", at - at)
    uu = func.extract("year", at)
    vv = func.lower(s)
    ww = func.replace(s, "a", "b")
    xx = cast(func.round(cast(amount, "numeric"), 2), str)
    yy = cast(at, "date")
    return {"a": a, "k": k, "z": z, "bb": bb}


@workflow
def of_formats(n: int, s: str, amount: float, at: datetime):
    sql("insert into shop.audit (what) values (:s)")
    return {
        "number": f"{cast(func.round(cast(amount, 'numeric'), 2), str)}",
        "whole": f"{func.to_char(n, 'FMSG9999999999999999990')}",
        "signed": f"{func.to_char(amount, 'FMSG9999999999999999990.0')}",
        "share": f"{func.round(cast(amount, 'numeric') * 100, 1)}%",
        "hex": f"{func.to_hex(n)} {func.upper(func.to_hex(n))}",
        "left": f"{func.rpad(cast(s, str), func.greatest(9, func.length(s)))}",
        "time": f"{func.to_char(at, 'YYYY-MM-DD')}T{func.to_char(at, 'HH24:MI:SS')}",
        "stamp": func.to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS'),
    }


@workflow
def of_defaults(order_id: int, at: datetime | None = None):
    moment = coalesce(at, now())
    try:
        sql("update shop.orders set placed_at = :moment where id = :order_id")
    except Failure as e:
        sql("insert into shop.audit (what) values (:e.message)")
        http.post("https://x.example.com", json={"text": f"{e.message}"}, retry=3)
        raise Failure(f"not done: {e.message}") from e
