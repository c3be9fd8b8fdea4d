// What the queue announces through PostgreSQL, always together with the change itself.

/** Jobs of a kind, which is the payload, can be acquired. */
export const readyChannel = 'biwa_jobs_ready'

/** Somebody asks for the end of the running job whose id is the payload. */
export const killChannel = 'biwa_jobs_kill'

/** The job whose id is the payload is finished. */
export const finishedChannel = 'biwa_jobs_finished'
