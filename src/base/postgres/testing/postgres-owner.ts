import { systemClock } from '../../clock.ts'
import { openLog } from '../../log.ts'
import { EmbeddedPostgres } from '../embedded.ts'

// Owns the PostgreSQL of the data directory in its first argument until it is killed.
const settings = { fsync: 'off' }
const dataDirectory = process.argv[2] ?? ''
const server = new EmbeddedPostgres({ dataDirectory, clock: systemClock, log: openLog('silent'), settings })
await server.start()
process.send?.({ pid: server.pid, url: server.url })
