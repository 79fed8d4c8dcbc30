-- Privileges: nothing to PUBLIC, and an executor for the role that installs, so that the
-- owner can start runs at once. Everybody else is let in by df.grant_usage().

revoke all on all functions in schema df, df_engine, df_graph, df_exec, perdure from public;
revoke all on all procedures in schema df from public;
revoke all on all tables in schema df, df_engine, perdure from public;

select df.grant_usage(current_user, include_http => true);
