-- written by perdure: switch, version 1, for target perdure
-- Compiled from workflows/switch.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 14899be27cfe505517649f6607c0df307d6f3f0c790f2f448564cc5f923db7b6

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.switch_v1(word text, number numeric)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  if word is null or number is null then
    raise null_value_not_allowed using
      message = 'an input of switch that may not be null is: word, number';
  end if;
  return df.start(
    df.seq(
      -- steps[0]
      df.if(
        $sql$
          select coalesce(($input.word)::text = 'it''s'::text, false) as ok
        $sql$,
        -- steps[0].cases[0][0]
        df.return($sql$select to_jsonb(('quote')::text) as result$sql$),
        df.if(
          $sql$select coalesce(($input.word)::text = '1'::text, false) as ok$sql$,
          -- steps[0].cases[1][0]
          df.sql($sql$insert into shop.audit (what) values ('one')$sql$),
          -- steps[0].default[0]
          df.sql($sql$select perdure.fail(($input.word)::text || ' is no word')$sql$)
        )
      ),
      -- steps[1]
      df.as(
        df.sql($sql$
          select ((($input.number)::numeric * random())::double precision)::text as value
        $sql$),
        'r1_switch'
      ),
      -- steps[1]
      df.if(
        $sql$
          select coalesce(($r1_switch.value?)::double precision = '0'::double precision, false) as ok
        $sql$,
        -- steps[1].cases[0][0]
        df.sql($sql$insert into shop.audit (what) values ('zero')$sql$)
      ),
      df.sql($sql$select null::jsonb as result$sql$)
    ),
    'switch@1',
    input => pg_catalog.jsonb_build_object(
      'word', word,
      'number', number::text
    )
  );
end
$workflow$;

comment on function workflows.switch_v1(text, numeric) is 'switch, version 1';

create function workflows.switch(word text, number numeric)
returns text
language sql
volatile
as $current$
  select workflows.switch_v1(word, number)
$current$;

comment on function workflows.switch(text, numeric) is 'Starts a run of switch, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'switch',
  1,
  '14899be27cfe505517649f6607c0df307d6f3f0c790f2f448564cc5f923db7b6',
  'word text, number numeric',
  $source$workflow: switch
input: {word: text, number: numeric}
steps:
  - switch: word
    cases:
      it's:
        - return: quote
      "1":
        - sql: insert into shop.audit (what) values ('one')
    default:
      - fail: $$source$ || '{' || $source$word} is no word
  - switch: number * random()
    cases:
      0: [{sql: insert into shop.audit (what) values ('zero')}]
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": null, "role": "case", "file": "workflows/switch.yaml", "line": 4},
{"path": "steps[0]", "name": null, "role": "case", "file": "workflows/switch.yaml", "line": 4},
{"path": "steps[0].cases[0][0]", "name": null, "role": "return", "file": "workflows/switch.yaml", "line": 7},
{"path": "steps[0]", "name": null, "role": "case", "file": "workflows/switch.yaml", "line": 4},
{"path": "steps[0]", "name": null, "role": "case", "file": "workflows/switch.yaml", "line": 4},
{"path": "steps[0].cases[1][0]", "name": null, "role": "sql", "file": "workflows/switch.yaml", "line": 9},
{"path": "steps[0].default[0]", "name": null, "role": "fail", "file": "workflows/switch.yaml", "line": 11},
{"path": "steps[1]", "name": null, "role": "subject", "file": "workflows/switch.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "case", "file": "workflows/switch.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "case", "file": "workflows/switch.yaml", "line": 12},
{"path": "steps[1].cases[0][0]", "name": null, "role": "sql", "file": "workflows/switch.yaml", "line": 14},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'perdure'
);
