import { AppError, must } from '../../base/errors.ts'
import { uuidv7 } from '../../base/randomness.ts'
import { createTable, requireTables } from '../catalog.ts'
import type { IcebergCatalog, IcebergName, IcebergTable } from '../iceberg.ts'
import type { IcebergPorts, KnownTableRow } from './materialise.ts'
import { materialise } from './materialise.ts'
import { ownColumns } from './schema.ts'
import { insertIcebergTable, selectIcebergTable, selectSuperseded, updateProperties } from './tables.sql.ts'

/** How often a load begins anew because others were faster: each time one of them got its way. */
const attemptsMax = 10

/** The catalog for other engines, over PostgreSQL and an object store. */
export function openIceberg(ports: IcebergPorts): IcebergCatalog {
  /** Tables whose metadata is being written in this process. */
  const running = new Map<number, Promise<boolean>>()

  /** One at a time for each table; whoever finds that one at work waits for it, and looks again. */
  async function materialiseOnce(row: KnownTableRow): Promise<void> {
    const other = running.get(row.id)
    if (other !== undefined) {
      await other.catch(() => {})
      return
    }
    const done = materialise(ports, row)
    running.set(row.id, done)
    try {
      await done
    } finally {
      running.delete(row.id)
    }
  }

  async function requireRow(accountId: number, table: IcebergName): Promise<KnownTableRow> {
    const now = () => new Date(ports.clock.nowMs())
    const row = await selectIcebergTable(ports.postgres, accountId, table, now())
    if (row === undefined) {
      await requireTables(ports.postgres, accountId, [table])
      // It was made in between.
      return await requireRow(accountId, table)
    }
    if (row.iceberg !== null) return { ...row, iceberg: row.iceberg }
    const uuid = uuidv7(ports.clock, ports.randomness)
    await insertIcebergTable(ports.postgres, { accountId, tableId: row.id }, uuid)
    return await requireRow(accountId, table)
  }

  return {
    async create(accountId, table, { fields, properties }) {
      await createTable(ports.postgres, accountId, table, { columns: ownColumns({ fields }) })
      const { id } = await requireRow(accountId, table)
      if (Object.keys(properties).length > 0) await updateProperties(ports.postgres, id, properties, [])
    },

    async load(accountId, table) {
      // What was committed before this call is in its answer; of what comes meanwhile, nothing has to be.
      let wanted: number | undefined
      for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
        const row = await requireRow(accountId, table)
        wanted ??= row.snapshot
        if (isCurrent(row, wanted)) return tableOf(ports, row)
        if (row.restating) return await lastBeforeRestating(ports, row, table)
        await materialiseOnce(row)
      }
      throw new AppError(
        'overloaded',
        `The table "${table.database}.${table.name}" changes too fast to be described.`,
        {
          hint: 'Ask again in a few seconds.',
          retryAfterSeconds: 2,
        },
      )
    },
  }
}

/** Whether what is served has everything up to `snapshot`, and nothing that is over. */
function isCurrent({ iceberg, schema_version: version, snapshot: newest }: KnownTableRow, snapshot: number): boolean {
  if (iceberg.metadata === null || !iceberg.is_valid) return false
  // A table without rows may get columns without a snapshot.
  const isSame = iceberg.snapshot < newest || iceberg.metadata['current-schema-id'] === version
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
