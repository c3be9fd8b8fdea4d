import { AppError } from '../../base/errors.ts'
import { requireName } from '../../base/names.ts'
import { uuidv7 } from '../../base/randomness.ts'
import { requireDatabase } from '../catalog.ts'
import type { IcebergName, IcebergView, IcebergViews } from '../iceberg.ts'
import { icebergPrefix } from './keys.ts'
import type { IcebergPorts } from './materialise.ts'
import { planRemoval } from './tables.sql.ts'
import type { ViewMetadata, ViewUpdate } from './view-metadata.ts'
import { changedView, newView } from './view-metadata.ts'
import type { ViewRow } from './views.sql.ts'
import { deleteView, insertView, renameView, selectView, selectViewNames, updateView } from './views.sql.ts'

/**
 * Views that other engines keep here for each other. Each has the SQL of its engine, which nobody looks into: our own SQL does
 * not know them.
 */
export function openViews(ports: IcebergPorts): IcebergViews {
  return {
    async list(accountId, database) {
      const { id } = await requireDatabase(ports.postgres, accountId, database)
      return await selectViewNames(ports.postgres, accountId, id)
    },
    async load(accountId, name) {
      return viewOf(ports, await requireView(ports, accountId, name))
    },
    create: (accountId, name, view) => createView(ports, accountId, name, view),
    replace: (accountId, name, uuid, updates) => replaceView(ports, accountId, name, uuid, updates),
    async drop(accountId, name) {
      const { id } = await requireDatabase(ports.postgres, accountId, name.database)
      const key = await deleteView(ports.postgres, accountId, id, name.name)
      if (key === undefined) throw viewNotFound(name)
      await removeLater(ports, key)
    },
    async rename(accountId, from, to) {
      requireName('table', to.name)
      const { id: databaseId } = await requireDatabase(ports.postgres, accountId, from.database)
      const target = await requireDatabase(ports.postgres, accountId, to.database)
      const renamed = await ports.postgres.transaction((tx) =>
        renameView(tx, accountId, { databaseId, name: from.name }, { databaseId: target.id, name: to.name }),
      )
      if (renamed === undefined) throw viewNotFound(from)
      if (!renamed) throw nameTaken(to)
    },
  }
}

async function requireView({ postgres }: IcebergPorts, accountId: number, name: IcebergName): Promise<ViewRow> {
  const { id } = await requireDatabase(postgres, accountId, name.database)
  const row = await selectView(postgres, accountId, id, name.name)
  if (row === undefined) throw viewNotFound(name)
  return row
}

async function createView(
  ports: IcebergPorts,
  accountId: number,
  name: IcebergName,
  view: Parameters<IcebergViews['create']>[2],
): Promise<IcebergView> {
  requireName('table', name.name)
  const { id: databaseId } = await requireDatabase(ports.postgres, accountId, name.database)
  const uuid = uuidv7(ports.clock, ports.randomness)
  const location = ports.address.uriOf(prefixOf(accountId, uuid))
  const row = await stored(ports, accountId, { uuid, version: 1 }, newView(uuid, location, view))
  if (await insertView(ports.postgres, { accountId, databaseId, name: name.name }, row)) return viewOf(ports, row)
  await removeLater(ports, row.metadata_key)
  throw nameTaken(name)
}

async function replaceView(
  ports: IcebergPorts,
  accountId: number,
  name: IcebergName,
  uuid: string | undefined,
  updates: readonly ViewUpdate[],
): Promise<IcebergView> {
  const before = await requireView(ports, accountId, name)
  if (uuid !== undefined && uuid.toLowerCase() !== before.uuid) throw outdated(name)
  const next = { uuid: before.uuid, version: before.version + 1 }
  const row = await stored(ports, accountId, next, changedView(before.metadata, updates))
  const isDone = await updateView(ports.postgres, row)
  await removeLater(ports, isDone ? before.metadata_key : row.metadata_key)
  if (!isDone) throw outdated(name)
  return viewOf(ports, row)
}

/** Engines other than the one that asks find the metadata in a file, too. */
async function stored(
  { objects, clock, randomness }: IcebergPorts,
  accountId: number,
  view: { readonly uuid: string; readonly version: number },
  metadata: ViewMetadata,
): Promise<ViewRow> {
  const number = String(view.version).padStart(5, '0')
  const file = `${number}-${uuidv7(clock, randomness)}.metadata.json`
  const key = `${prefixOf(accountId, view.uuid)}/metadata/${file}`
  await objects.put(key, Buffer.from(JSON.stringify(metadata)))
  return { ...view, metadata_key: key, metadata }
}

function prefixOf(accountId: number, uuid: string): string {
  return `${icebergPrefix}${accountId}/views/${uuid}`
}

async function removeLater({ postgres, clock, graceMs }: IcebergPorts, key: string): Promise<void> {
  await planRemoval(postgres, [key], new Date(clock.nowMs() + graceMs))
}

function viewOf({ address }: IcebergPorts, row: ViewRow): IcebergView {
  return { metadataLocation: address.uriOf(row.metadata_key), metadata: row.metadata }
}

function viewNotFound({ database, name }: IcebergName): AppError {
  return new AppError('view_not_found', `The view "${database}.${name}" does not exist.`, {
    hint: 'Views that other engines make over Iceberg are listed with their namespace.',
  })
}

function nameTaken({ database, name }: IcebergName): AppError {
  return new AppError('already_exists', `There is a view or a table "${database}.${name}" already.`, {
    hint: 'Choose another name.',
  })
}

function outdated({ database, name }: IcebergName): AppError {
  return new AppError('conflict', `The view "${database}.${name}" is another one by now.`, {
    hint: 'Load it again, and replace what it is now.',
  })
}
