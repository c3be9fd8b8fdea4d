-- How a record of a bulk import that could not be read is read again, when it is replayed from the quarantine. Null where it cannot be.
alter table bulk_import_errors
  add column format text,
  add column encoding text,
  add column received_at_us bigint,
  add column header bytea;
