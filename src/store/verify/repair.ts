import type { Postgres } from '../../base/postgres/postgres.ts'
import type { Attempt } from '../../jobs/jobs.ts'
import { chunkOf } from '../chunks.sql.ts'
import { performMerge } from '../merge/perform-merge.ts'
import type { MergeTools } from '../merge/perform-merge.ts'
import type { Chunk, Table } from '../store.ts'
import { checkObject } from './check-object.ts'
import type { Finding, Outcome } from './findings.ts'
import { isDamage } from './findings.ts'
import { selectMerge } from './verify.sql.ts'

export interface RepairTools extends MergeTools {
  readonly postgres: Postgres
}

/**
 * Mends what is wrong with a chunk, as far as that can be done without losing a row: a sound file is written anew, with the
 * right statistics; a merge whose inputs are still in the history is done again. What is left is set aside, so that queries
 * go on without it. Each is one commit in the place of the chunk: where somebody else changed it meanwhile, nothing is done.
 */
export async function repair(
  tools: RepairTools,
  attempt: Attempt,
  table: Table,
  chunk: Chunk,
  finding: Finding,
): Promise<Outcome> {
  if (finding.what === 'local_copy') return 'fetched_anew'
  // Written for older columns: it is written anew for the present ones in any case, and knows its statistics then.
  const isOld = chunk.schemaVersion < table.restatedVersion
  if (!isDamage(finding)) {
    if (isOld) return 'reported'
    const inputs = [{ ...chunk, rows: finding.rows ?? chunk.rows }]
    const written = await performMerge(tools, attempt, table, { layer: chunk.layer, inputs })
    return written === undefined ? 'gone' : 'rewritten'
  }
  return (await mergeAgain(tools, attempt, table, chunk)) ?? (await setAside(tools, attempt, table, chunk, finding))
}

/** Undefined where the chunk came of no merge, or not all that the merge took is there still, and sound. */
async function mergeAgain(
  tools: RepairTools,
  attempt: Attempt,
  table: Table,
  chunk: Chunk,
): Promise<Outcome | undefined> {
  const key = { accountId: table.accountId, tableId: table.id, snapshot: chunk.addedSnapshot }
  const merge = await selectMerge(tools.postgres, key)
  if (merge === undefined) return undefined
  const [outputs, inputs] = [merge.outputs.map(chunkOf), merge.inputs.map(chunkOf)]
  const rows = (chunks: readonly Chunk[]): number => chunks.reduce((sum, one) => sum + one.rows, 0)
  const isWhole = outputs.length === merge.chunks_added && inputs.length === merge.chunks_removed
  // What came of a merge in several files can only be taken back as a whole.
  if (!isWhole || inputs.length === 0 || rows(outputs) !== rows(inputs)) return undefined
  if (inputs.some(({ schemaVersion }) => schemaVersion < table.restatedVersion)) return undefined
  for (const input of inputs) {
    attempt.signal.throwIfAborted()
    if ((await checkObject(tools.objects, input)) !== null) return undefined
  }
  const replaced = outputs.map(({ id }) => id)
  const written = await performMerge(tools, attempt, table, { layer: chunk.layer, inputs, replaced })
  return written === undefined ? 'gone' : 'merged_again'
}

async function setAside(
  { store }: RepairTools,
  attempt: Attempt,
  table: Table,
  chunk: Chunk,
  { what, detail, byte }: Finding,
): Promise<Outcome> {
  const outcome = await store.commit({
    accountId: table.accountId,
    target: { tableId: table.id, schemaVersion: table.schemaVersion, newColumns: [] },
    operation: 'set_aside',
    cause: `job:${attempt.job.id}`,
    chunks: [],
    removed: [chunk.id],
    setAside: [{ id: chunk.id, reason: what, detail, byteOffset: byte }],
    ids: [],
    quarantined: [],
    fence: { jobId: attempt.job.id, leaseToken: attempt.leaseToken },
  })
  if (outcome.kind === 'committed') return 'set_aside'
  return outcome.kind === 'schema_changed' ? 'reported' : 'gone'
}
