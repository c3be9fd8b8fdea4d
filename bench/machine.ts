import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, totalmem } from 'node:os'

import { version as duckdbVersion } from '@duckdb/node-api'

import { startServer } from './queue/server.ts'

/** Where figures come from: they mean little without it. */
export async function describeMachine(): Promise<Record<string, string>> {
  const server = await startServer()
  await server.stop()
  return {
    processors: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    system: `${process.platform} ${process.arch}`,
    'Node.js': process.version,
    PostgreSQL: server.settings['server_version'] ?? 'unknown',
    DuckDB: duckdbVersion(),
  }
}

/** Of the sources, and whether they differ from it. */
export function commit(): string {
  return execFileSync('git', ['describe', '--always', '--dirty', '--exclude=*'], { encoding: 'utf8' }).trim()
}
