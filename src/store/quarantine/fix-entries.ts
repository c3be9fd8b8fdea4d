import type { Principal } from '../../access/access.ts'
import type { Clock } from '../../base/clock.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import type { Postgres } from '../../base/postgres/postgres.ts'
import type { FixOutcome, MeantTable, QuarantineFilter, QuarantineFix, QuarantineItem } from '../quarantine.ts'
import type { FixedEntry } from './entries.sql.ts'
import { selectEntries, updateFixed } from './entries.sql.ts'
import { itemOf } from './entry-item.ts'
import { rawBytesMax } from './keep-records.ts'
import { readBytes } from './read-bytes.ts'

export interface QuarantineTools {
  readonly postgres: Postgres
  readonly objects: ObjectStore
  readonly clock: Clock
}

/** How much one call looks at. */
const recordsMax = 1000
const bytesMax = 8 << 20

/** A record that is longer is not mended in place, but sent anew. */
const fixableBytesMax = 4 << 20

/** Mends some of the records that the filter means, each as it was seen: what is changed meanwhile is left alone. */
export async function fixEntries(
  tools: QuarantineTools,
  { accountId, userId }: Principal,
  table: MeantTable,
  filter: QuarantineFilter,
  fix: QuarantineFix,
  { after, dryRun }: { readonly after: number; readonly dryRun: boolean },
): Promise<FixOutcome> {
  const { postgres, clock } = tools
  const page = { after, upTo: Number.MAX_SAFE_INTEGER, notReplayedBy: 0, recordsMax, bytesMax }
  const items = (await selectEntries(postgres, accountId, table, filter, page)).map(itemOf)
  const modest = items.filter(({ fixedBytes, rawBytes }) => (fixedBytes ?? rawBytes) <= fixableBytesMax)
  const bytes = await readBytes(
    tools,
    accountId,
    modest.map(({ id }) => id),
  )
  const mended = modest.flatMap((item) => mendedOf(accountId, item, bytes.get(item.id), fix))
  const storable = mended.filter((one) => one.bytes.byteLength <= fixableBytesMax)
  const matched = { matched: items.length, tooLarge: items.length - modest.length + mended.length - storable.length }
  const next = items.at(-1)?.id ?? null
  if (dryRun || storable.length === 0) return { ...matched, changed: storable.length, next }
  for (const { bytes: whole, objectKey } of storable) if (objectKey !== null) await tools.objects.put(objectKey, whole)
  const event = { what: 'fixed', at: new Date(clock.nowMs()).toISOString(), userId } as const
  return { ...matched, changed: await updateFixed(postgres, accountId, storable, event), next }
}

/** The record as it is to be; none where nothing changes, or somebody took it away. */
function mendedOf(accountId: number, item: QuarantineItem, old: Buffer | undefined, fix: QuarantineFix): FixedEntry[] {
  if (old === undefined) return []
  const bytes = fix.bytes(old)
  const { id, revision, source } = item
  const format = fix.format ?? source?.format ?? null
  const encoding = fix.encoding ?? source?.encoding ?? (format === null ? null : 'identity')
  const timeColumn = fix.timeColumn === undefined ? (source?.timeColumn ?? null) : fix.timeColumn
  const isReadOtherwise =
    format !== (source?.format ?? null) ||
    encoding !== (source?.encoding ?? null) ||
    timeColumn !== (source?.timeColumn ?? null)
  if (bytes.equals(old) && !isReadOtherwise) return []
  const objectKey = bytes.byteLength > rawBytesMax ? `quarantine/${accountId}/fixed-${id}-${revision + 1}` : null
  return [{ id, revision, bytes, objectKey, format, encoding, timeColumn }]
}
