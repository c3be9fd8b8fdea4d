import { startBiwa } from '../../test/support/biwa.ts'
import type { Biwa } from '../../test/support/biwa.ts'
import { startServer } from '../queue/server.ts'
import type { BenchServer } from '../queue/server.ts'

/** A whole server, and the PostgreSQL below it, of which questions are asked as well. */
export interface Soaked {
  readonly biwa: Biwa
  readonly database: BenchServer
  stop(): Promise<void>
}

export async function startSoaked(): Promise<Soaked> {
  const database = await startServer()
  const biwa = await startBiwa({ arguments: [`--database-url=${database.url}`] })
  return {
    biwa,
    database,
    async stop() {
      await biwa.stop()
      await database.stop()
    },
  }
}
