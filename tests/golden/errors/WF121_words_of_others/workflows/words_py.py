from perdure import sql, workflow


@workflow
def words_py():
    sql("select 1 as x", expect="one?")
    sql("select 1 as x", expect="zero_or_one")
    sql("select 1 as x", expect="exactly_one")
    sql("select 1 as x", expect="a few")
