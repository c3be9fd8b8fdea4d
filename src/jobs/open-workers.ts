import type { Postgres } from '../base/postgres/postgres.ts'
import type { Workers } from './workers.ts'
import { selectWorkers } from './workers.sql.ts'

export function openWorkers(postgres: Postgres): Workers {
  return { list: () => selectWorkers(postgres) }
}
