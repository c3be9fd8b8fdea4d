-- To look the table up for each id took as long as to keep the id. Whoever writes ids holds the row of their table until the end of the
-- transaction, and a dropped table is not removed before its ids are, so there is nothing that the reference could refuse.
alter table applied_ids drop constraint applied_ids_account_id_table_id_fkey;
