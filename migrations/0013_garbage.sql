-- Whether an object below quarantine/ belongs to a record.
create index quarantine_by_object on quarantine (object_key) where object_key is not null;
