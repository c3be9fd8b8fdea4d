-- Which job brings the files of a table up to the last change of its columns; null or an old one until there is one.
alter table tables add column restate_job_id bigint;

create index tables_restating on tables (id) where restating and dropped_at is null;

-- Files that were written for older columns are found without a look at the others.
create index chunks_by_schema on chunks (table_id, schema_version);
