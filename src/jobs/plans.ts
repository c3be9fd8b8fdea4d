/**
 * The settings of connections for workers. Their statements find rows by index and by nothing else; the planner, left
 * alone, reads whole tables that were small when it looked, and are not any more.
 */
export const workerServerSettings = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
  // A worker that is frozen in the middle of a transaction must not keep the lock of a limit from all others.
  idle_in_transaction_session_timeout: '10s',
} as const
