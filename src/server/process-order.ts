/**
 * How far each sort of process stands back, as niceness behind the supervisor's: who is waited for by the millisecond goes first where both want a
 * core. A difference of 3 leaves the one that stands back a third of it, 7 a sixth and 12 a fifteenth (Linux, sched(7)), and all of it where the other has
 * nothing to do.
 *
 * - The api process needs little time and needs it at once: an acknowledgement takes half a dozen turns of its threads, and behind
 *   processes of its own rank each turn may wait for as long as one of them has a core.
 * - Queries are waited for as well; the conversion of what is safe already, and the scheduler's clock, by the second; a merge by nobody.
 * - The same order holds while a server starts: what answers requests is there before the rest has loaded its code.
 */
export const niceness = { api: 0, worker: 3, scheduler: 5, queries: 3, imports: 10, merges: 15 } as const
