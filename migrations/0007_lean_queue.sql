-- Fewer steps for each job that moves. The account travels with the waiting job, so that a lease needs no look at its lane.
alter table job_waiting add column account_id bigint;
update job_waiting w set account_id = l.account_id from job_lanes l where l.id = w.lane_id;

-- Leases are found by their jobs; the token still is the fence.
drop index job_running_job;
alter table job_running drop constraint job_running_pkey;
alter table job_running add primary key (job_id);

-- Most ends are successes, and who looks for these finds them among the latest jobs: only the others are worth an index.
drop index job_history_ends;
drop index job_history_dead;
create index job_history_failures on job_history (account_id, to_state, job_id desc)
  where to_state in ('error', 'killed', 'dead');
