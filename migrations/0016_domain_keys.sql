-- By which a client that lost the answer finds out that its job was submitted: another job of the key is refused, whatever its kind.
alter table jobs add column domain_key text;
create unique index jobs_domain_key on jobs (coalesce(account_id, 0), domain_key) where domain_key is not null;
