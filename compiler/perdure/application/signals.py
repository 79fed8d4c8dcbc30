"""Whether a run waits for a signal, and for one with such data.

A run keeps any signal that it is sent until a wait takes it, as it may come before the
wait does. A misspelt name is never taken, and data of another form makes the run fail,
later. So a handle looks at what the run waits for anywhere: in the nodes of the run,
which are there from its start. The rejected way, to read it from the Python function,
tells what this program knows, and not what is deployed.
"""

from __future__ import annotations

import json
import re

from perdure.application.errors import WrongInput
from perdure.application.forms import surplus
from perdure.application.meant import meant
from perdure.application.query import Operation, Query, ask, query

_WAITS = """
select pg_catalog.json_build_object(
  'waits', coalesce(
    pg_catalog.json_agg(pg_catalog.json_build_array(n.query, n.result_name))
    filter (where n.node_type = 'SIGNAL'), '[]'),
  'checks', coalesce(pg_catalog.json_agg(n.query)
    filter (where n.node_type <> 'SIGNAL'), '[]'),
  'checked', pg_catalog.to_regprocedure('perdure.misfit(jsonb,jsonb,text)') is not null
)::text
from df.nodes n
where n.instance_id = ?::text
  and (n.node_type = 'SIGNAL' or n.query like '%perdure.check_signal(%')
"""
_CHECK = re.compile(r"perdure\.check_signal\(\(\$(\w+)\)::jsonb, '((?:[^']|'')*)'\)")


def check_signal(
    run: str, workflow: str, name: str, data: object, text: str
) -> Operation[None]:
    """Raise WrongInput when the run takes no signal of this name with such data.

    `text` is the data as JSON.
    """
    found = yield from ask(query(_WAITS, run))
    waits = [(_name_of(given), result) for given, result in found["waits"]]
    if None in {each for each, _ in waits}:
        return
    if name not in {each for each, _ in waits}:
        raise WrongInput(
            _unknown(workflow, name, sorted({str(each) for each, _ in waits}))
        )
    results = {result for each, result in waits if each == name}
    checks = [check for each in found["checks"] for check in _CHECK.findall(each)]
    forms = {result: form.replace("''", "'") for result, form in checks}
    if not found["checked"] or results - forms.keys():
        return
    wrong: list[str] = []
    for result in sorted(results):
        form = forms[result]
        misfit = yield from ask(_misfit(text, form))
        wrong = _wrong(misfit, data, json.loads(form))
        if not wrong:
            return
    raise WrongInput(f'signal "{name}" of {workflow}: {"; ".join(wrong)}')


def _wrong(misfit: str | None, data: object, form: object) -> list[str]:
    """Return what is wrong with data, once for each place."""
    found = surplus(data, form, "data")
    if misfit is None:
        return list(found)
    return [
        misfit,
        *(x for x in found if f"{x.partition(' is ')[0]} is " not in misfit),
    ]


def _name_of(given: str) -> str | None:
    """Return the signal that a node waits for, if the target tells it this way."""
    try:
        name: str = json.loads(given)["signal_name"]
    except (ValueError, TypeError, KeyError):
        return None
    return name


def _misfit(text: str, form: str) -> Query:
    asked = "perdure.misfit(?::text::jsonb, ?::text::jsonb, 'data')"
    return query(f"select pg_catalog.to_json({asked})::text", text, form)


def _unknown(workflow: str, name: str, known: list[str]) -> str:
    message = f'workflow {workflow} never waits for a signal "{name}"'
    return message + (meant(name, known, "it waits for") or ", nor for any other")
