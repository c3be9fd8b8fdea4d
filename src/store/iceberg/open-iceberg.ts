import { AppError, must } from '../../base/errors.ts'
import { uuidv7 } from '../../base/randomness.ts'
import { createTable, requireTables } from '../catalog.ts'
import { ObjectWalk } from '../../base/objects/object-walk.ts'
import type { IcebergCatalog, IcebergName, IcebergTable, IcebergViews, NamedChange } from '../iceberg.ts'
import type { WantedChange } from './commit-change.ts'
import { commitChanges } from './commit-change.ts'
import { icebergPrefix } from './keys.ts'
import type { IcebergPorts, KnownTableRow } from './materialise.ts'
import { materialise } from './materialise.ts'
import { removeOrphans } from './orphans.ts'
import { ownColumns, schemaIdOf } from './schema.ts'
import { insertIcebergTable, selectIcebergTable, selectSuperseded, setStaged, updateProperties } from './tables.sql.ts'
import { openViews } from './views.ts'

/** How often a load begins anew because others were faster: each time one of them got its way. */
const attemptsMax = 10

/** A commit that changes columns waits so long for the files to be restated; then it is answered with the table of before. */
const restatingMsMax = 10_000

/** The catalog for other engines, over PostgreSQL and an object store. */
export function openIceberg(ports: IcebergPorts): IcebergCatalog {
  return new Catalog(ports)
}

class Catalog implements IcebergCatalog {
  readonly views: IcebergViews
  readonly #ports: IcebergPorts
  readonly #files: ObjectWalk
  /** Tables whose metadata is being written in this process. */
  readonly #running = new Map<number, Promise<boolean>>()

  constructor(ports: IcebergPorts) {
    this.#ports = ports
    this.views = openViews(ports)
    this.#files = new ObjectWalk(ports.objects, icebergPrefix)
  }

  async load(accountId: number, table: IcebergName): Promise<IcebergTable> {
    // What was committed before this call is in its answer; of what comes meanwhile, nothing has to be.
    let wanted: number | undefined
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const row = await this.#requireRow(accountId, table)
      wanted ??= row.snapshot
      if (isCurrent(row, wanted)) return tableOf(this.#ports, row)
      if (row.restating) return await lastBeforeRestating(this.#ports, row, table)
      await this.#materialise(row)
    }
    throw new AppError('overloaded', `The table "${table.database}.${table.name}" changes too fast to be described.`, {
      hint: 'Ask again in a few seconds.',
      retryAfterSeconds: 2,
    })
  }

  async create(
    accountId: number,
    table: IcebergName,
    { fields, properties, isStaged }: Parameters<IcebergCatalog['create']>[2],
  ): Promise<void> {
    const { postgres } = this.#ports
    await createTable(postgres, accountId, table, { columns: ownColumns({ fields }) })
    const { id } = await this.#requireRow(accountId, table)
    if (isStaged) await setStaged(postgres, id, true)
    if (Object.keys(properties).length > 0) await updateProperties(postgres, id, properties, [])
  }

  async commit(accountId: number, changes: readonly NamedChange[]): Promise<void> {
    const wanted: WantedChange[] = []
    for (const { table, change, allowed } of changes) {
      const known = await this.#requireRow(accountId, table)
      if (known.iceberg.metadata === null) await this.load(accountId, table)
      const row = await this.#requireRow(accountId, table)
      const metadata = must(row.iceberg.metadata, 'a table that was loaded has metadata')
      wanted.push({ table, row, metadata, change, allowed })
    }
    await commitChanges(this.#ports, wanted)
    for (const { table, change } of changes)
      if (change.fields !== undefined) await this.#untilRestated(accountId, table)
  }

  sweep(): Promise<number> {
    return removeOrphans(this.#ports, this.#files)
  }

  /** Whoever changed columns wants to see them changed: that is so once the files fit, which takes a moment for few of them. */
  async #untilRestated(accountId: number, table: IcebergName): Promise<void> {
    const { clock } = this.#ports
    const untilMs = clock.monotonicMs() + restatingMsMax
    while ((await this.#requireRow(accountId, table)).restating && clock.monotonicMs() < untilMs) await clock.sleep(250)
  }

  /** One at a time for each table; whoever finds that one at work waits for it, and looks again. */
  async #materialise(row: KnownTableRow): Promise<void> {
    const other = this.#running.get(row.id)
    if (other !== undefined) {
      await other.catch(() => {})
      return
    }
    const done = materialise(this.#ports, row)
    this.#running.set(row.id, done)
    try {
      await done
    } finally {
      this.#running.delete(row.id)
    }
  }

  async #requireRow(accountId: number, table: IcebergName): Promise<KnownTableRow> {
    const { postgres, clock, randomness } = this.#ports
    const row = await selectIcebergTable(postgres, accountId, table, new Date(clock.nowMs()))
    if (row === undefined) {
      await requireTables(postgres, accountId, [table])
      // It was made in between.
      return await this.#requireRow(accountId, table)
    }
    if (row.iceberg !== null) return { ...row, iceberg: row.iceberg }
    await insertIcebergTable(postgres, { accountId, tableId: row.id }, uuidv7(clock, randomness))
    return await this.#requireRow(accountId, table)
  }
}

/** Whether what is served has everything up to `snapshot`, and nothing that is over. */
function isCurrent(row: KnownTableRow, snapshot: number): boolean {
  const { iceberg, schema_version: version, snapshot: newest, oldest_snapshot: oldest } = row
  if (iceberg.metadata === null || !iceberg.is_valid) return false
  // The history may end before it is over.
  if (iceberg.metadata.snapshots.some((each) => each['snapshot-id'] < oldest)) return false
  // A table without rows may get columns without a snapshot.
  const isSame = iceberg.snapshot < newest || iceberg.metadata['current-schema-id'] === schemaIdOf(version)
  return iceberg.snapshot >= snapshot && isSame
}

async function lastBeforeRestating(ports: IcebergPorts, row: KnownTableRow, table: IcebergName): Promise<IcebergTable> {
  const [superseded] = await selectSuperseded(ports.postgres, row.id, [row.iceberg.snapshot])
  // The files of older snapshots are promised for the grace alone, of which the reader needs some for reading.
  const untilMs = (superseded?.at.getTime() ?? Number.POSITIVE_INFINITY) + ports.graceMs / 2
  if (row.iceberg.metadata !== null && ports.clock.nowMs() < untilMs) return tableOf(ports, row)
  throw new AppError(
    'table_restating',
    `The files of "${table.database}.${table.name}" are being written anew for a change of its columns.`,
    { hint: 'Ask again in a few seconds; SQL reads the table meanwhile.', retryAfterSeconds: 5 },
  )
}

function tableOf({ address }: IcebergPorts, { iceberg }: KnownTableRow): IcebergTable {
  return {
    metadataLocation: address.uriOf(must(iceberg.metadata_key, 'metadata lies in a file, too')),
    metadata: must(iceberg.metadata, 'what is served is there'),
    tag: `${iceberg.uuid}-${iceberg.version}`,
  }
}
