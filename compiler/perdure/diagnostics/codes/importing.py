"""80x: graphs of df written by hand, on their way into a workflow."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = (
    Code(
        code="WF801",
        slug="nothing-to-import",
        summary="there is no df expression to import",
        what="`perdure import` was given a file without a call of `df.start`, and "
        "without a statement that is a graph, or a database without such a run.",
        why="An empty workflow would look as if the import had succeeded.",
        wrong="create table jobs (id bigint);",
        right="select df.start('select 1' ~> 'select 2', 'two steps');",
    ),
    Code(
        code="WF802",
        slug="df-syntax",
        summary="an expression is no df expression",
        what="The text between the parentheses of `df.start` can't be read as strings, "
        "calls of `df` functions and the operators `~> |=> & | ?> !> @>`. They all "
        "have one precedence and are read from left to right, as PostgreSQL does.",
        why="PostgreSQL would refuse the expression too, or read another operator.",
        wrong="select df.start('select true' ?> 'select 1' ~> 'select 2' !> "
        "'select 3');",
        right="select df.start('select true' ?> ('select 1' ~> 'select 2') !> "
        "'select 3');",
    ),
    Code(
        code="WF803",
        slug="df-call",
        summary="a call of df has an unknown name or wrong arguments",
        what="The function is no node of `df`, or does not take these arguments.",
        why="What the call would do is not known.",
        wrong="select df.start(df.wait('1 hour'));",
        right="select df.start(df.sleep(3600));",
    ),
    Code(
        code="WF804",
        slug="df-not-constant",
        summary="an argument is computed by PostgreSQL",
        what="An argument is not constant: a sub-select, or a function whose value "
        "only PostgreSQL knows. Strings put together with `||` and `format`, and "
        "columns or variables in them, are no problem: those become inputs.",
        why="A workflow is the same for all runs.",
        wrong="select df.start((select graph from graphs where id = 1));",
        right="select df.start('select id from jobs');",
    ),
    Code(
        code="WF805",
        slug="df-no-counterpart",
        summary="a part of a graph has no counterpart in a workflow",
        what="Something in a graph can be said in `df` but not in a workflow: a "
        "variable in the place of a table's name, the list of results of a join, a "
        "name that nothing binds.",
        why="Leaving it out would give another workflow. The others of the file are "
        "written; this one is not.",
        wrong="select df.start('select 1 as a' & 'select 2 as b' |=> 'both'\n"
        "  ~> 'insert into log values ($both)');",
        right="select df.start(('select 1 as a' |=> 'a' & ('select 2 as b' |=> 'b'))\n"
        "  ~> 'insert into log values ($a.a + $b.b)');",
    ),
    Code(
        code="WF806",
        slug="df-doubt",
        summary="a part of a workflow that was imported is to be looked at",
        what="The import had to choose: a type was guessed, a signal got another "
        "name, a schedule counts days otherwise. The workflow is written, and the "
        "same words stand in it as a comment.",
        why="`df` replaces text; a workflow has types. What the text does not say, "
        "its author has to.",
        wrong="select df.start(df.wait_for_schedule('0 9 * * 2'));",
        right="select df.start(df.wait_for_schedule('0 9 * * MON'));",
    ),
)
