import { readFileSync, readdirSync } from 'node:fs'
import type { Dirent } from 'node:fs'
import { join } from 'node:path'

import { descendants } from '../../test/support/biwa.ts'
import { kindOf } from '../ingest/cpu.ts'
import type { Soaked } from './server.ts'

type Amounts = Readonly<Record<string, number>>

/** What a server holds at one time. */
export interface Sample {
  readonly minute: number
  /** MiB by kind of process: what is its own, and its share of what it has in common with others. */
  readonly memory: Amounts
  /** MiB; what processes have in common counts for each of them. */
  readonly resident: Amounts
  readonly handles: Amounts
  readonly processes: Amounts
  /** Of its data directory. */
  readonly files: Amounts
  readonly connections: number
  /** Of tables that only upkeep makes smaller. */
  readonly rows: Amounts
}

export function openSampler({ biwa, database }: Soaked): { sample(minute: number): Promise<Sample> } {
  const supervisor = biwa.supervisor.pid ?? 0
  return {
    async sample(minute) {
      const found = [
        { pid: supervisor, kind: 'supervisor' },
        ...descendants(supervisor).map(({ pid, command }) => ({ pid, kind: kindOf(command) })),
        ...descendants(process.pid)
          .map(({ pid, command }) => ({ pid, kind: kindOf(command) }))
          .filter(({ kind }) => kind === 'postgres'),
      ].filter(({ kind }) => kind !== 'other')
      const { rows } = await database.pool.query<Record<string, string>>(`
        select (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
               (select count(*) from job_history) as job_history, (select count(*) from jobs) as jobs,
               (select count(*) from job_waiting) as job_waiting, (select count(*) from chunks) as chunks`)
      const { connections, ...counts } = rows[0] ?? {}
      return {
        minute,
        memory: sums(found, (pid) => kibibytes(pid, 'smaps_rollup', 'Pss') / 1024),
        resident: sums(found, (pid) => kibibytes(pid, 'status', 'VmRSS') / 1024),
        handles: sums(found, handlesOf),
        processes: sums(found, () => 1),
        files: filesBelow(biwa.dataDirectory),
        connections: Number(connections),
        rows: Object.fromEntries(Object.entries(counts).map(([table, count]) => [table, Number(count)])),
      }
    },
  }
}

function sums(found: readonly { readonly pid: number; readonly kind: string }[], of: (pid: number) => number): Amounts {
  const amounts: Record<string, number> = {}
  for (const { pid, kind } of found) {
    try {
      amounts[kind] = (amounts[kind] ?? 0) + of(pid)
    } catch {
      // It ended meanwhile.
    }
  }
  return amounts
}

function kibibytes(pid: number, file: string, name: string): number {
  const text = readFileSync(`/proc/${pid}/${file}`, 'utf8')
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
}

function handlesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** By the first folder, and that of the object store by its second: inbox, scratch, objects/chunks … */
function filesBelow(directory: string): Amounts {
  const amounts: Record<string, number> = {}
  const walk = (place: readonly string[]): void => {
    for (const entry of entriesOf(join(directory, ...place))) {
      const kind = place.slice(0, place[0] === 'objects' ? 2 : 1).join('/') || 'itself'
      if (entry.isDirectory()) walk([...place, entry.name])
      else amounts[kind] = (amounts[kind] ?? 0) + 1
    }
  }
  walk([])
  return amounts
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch {
    // It was removed meanwhile, as scratch directories are all the time.
    return []
  }
}
