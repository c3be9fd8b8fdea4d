-- A key that stands in a web page can be read by everybody. Bound to origins, it opens nothing for pages of others.
alter table api_keys
  add column origins text[] not null default '{}',
  add check (origins = '{}' or kind = 'import');
