import { AppError, must } from '../../base/errors.ts'
import { readFooter } from '../../base/parquet/read-footer.ts'
import { uuidv7 } from '../../base/randomness.ts'
import type { Column, NewChunk } from '../store.ts'
import { foreignChunk } from './foreign-file.ts'
import { tablePrefix } from './keys.ts'
import type { ForeignEntry } from './manifest.ts'
import { deleteFiles, readManifest } from './manifest.ts'
import { readManifestList } from './manifest-list.ts'
import { selectKnownKeys, selectListedChunks, selectManifests } from './manifests.sql.ts'
import type { IcebergPorts, KnownTableRow } from './materialise.ts'
import { selectVersion } from './tables.sql.ts'

/** What a snapshot of another engine changes in the table. */
export interface FileChange {
  readonly added: readonly NewChunk[]
  /** Ids of chunks. */
  readonly removed: readonly string[]
  /** The keys of the list and the manifests that the engine wrote: nobody needs them once they were read. */
  readonly read: readonly string[]
}

/** A manifest or a list above this is none of a table that anybody works on. */
const metadataBytesMax = 64 << 20
const filesAtOnce = 8

/**
 * Finds what a snapshot changes against the one that the engine saw, which is what there are manifests for. Manifests of ours
 * that it lists are unchanged; all others are compared by the data files in them, so it does not matter how, or in how many
 * steps, the engine came from one to the other.
 */
export async function readFileChange(
  ports: IcebergPorts,
  row: KnownTableRow,
  columns: readonly Column[],
  list: string,
): Promise<FileChange> {
  const own = new Map((await selectManifests(ports.postgres, row.id)).map((each) => [each.object_key, each]))
  if ((await selectVersion(ports.postgres, row.id)) !== row.iceberg.version) {
    throw new AppError('conflict', 'The table was shown anew while the commit came in.', {
      hint: 'Load the table again, and commit on what it is now.',
    })
  }
  const listKey = requireKey(ports, row, list)
  const listed = readManifestList(list, await readMetadata(ports, list, listKey))
  const foreign: string[] = []
  for (const { path, hasDeletes } of listed) {
    if (hasDeletes) throw deleteFiles(path)
    const key = ports.address.keyOf(path)
    if (key === undefined || !own.delete(key)) foreign.push(path)
  }
  // What is left of our own is not in the list any more.
  const before = new Map(
    (await selectListedChunks(ports.postgres, [...own.keys()])).map((chunk) => [chunk.object_key, chunk.id]),
  )
  const foreignKeys = foreign.map((path) => requireKey(ports, row, path))
  const after = new Map<string, ForeignEntry>()
  for (const [index, path] of foreign.entries()) {
    const key = must(foreignKeys[index], 'a key for each path')
    for (const entry of readManifest(path, await readMetadata(ports, path, key))) {
      const file = ports.address.keyOf(entry.path)
      if (!entry.isLive) continue
      if (file === undefined) throw elsewhere(entry.path)
      after.set(file, entry)
    }
  }
  const added = [...after].filter(([key]) => !before.has(key))
  await requireNew(ports, row, added)
  return {
    added: await chunksOf(ports, columns, added),
    removed: [...before].filter(([key]) => !after.has(key)).map(([, id]) => id),
    read: [listKey, ...foreignKeys],
  }
}

/** The key of a file of the engine's, which has to lie below the location of the table. */
function requireKey({ address }: IcebergPorts, row: KnownTableRow, path: string): string {
  const key = address.keyOf(path)
  const prefix = `${tablePrefix({ accountId: row.account_id, tableId: row.id })}/`
  if (key?.startsWith(prefix) === true && /^[a-z0-9._/-]+$/.test(key) && !key.includes('/.')) return key
  throw elsewhere(path)
}

function elsewhere(path: string): AppError {
  return new AppError('invalid_request', `The file ${path} does not lie below the location of the table.`, {
    hint: 'Write files where the location in the metadata says, under names of lower-case letters, digits, dots and dashes.',
  })
}

async function readMetadata({ objects }: IcebergPorts, path: string, key: string): Promise<Buffer> {
  const bytes = await objects.size(key)
  if (bytes !== undefined && bytes <= metadataBytesMax) return await objects.get(key)
  throw new AppError('invalid_request', `The file ${path} is ${bytes === undefined ? 'not there' : 'too large'}.`, {
    hint: 'Write the files of a snapshot before it is committed.',
  })
}

/** A file becomes a chunk once: neither a file of ours nor one that was committed before is committed again. */
async function requireNew(
  ports: IcebergPorts,
  row: KnownTableRow,
  added: readonly (readonly [string, ForeignEntry])[],
): Promise<void> {
  const keys = added.map(([, entry]) => requireKey(ports, row, entry.path))
  const [known] = await selectKnownKeys(ports.postgres, keys)
  if (known === undefined) return
  throw new AppError('invalid_request', `The data file ${ports.address.uriOf(known)} is or was in the table already.`, {
    hint: 'Write the rows to a new file.',
  })
}

async function chunksOf(
  ports: IcebergPorts,
  columns: readonly Column[],
  added: readonly (readonly [string, ForeignEntry])[],
): Promise<NewChunk[]> {
  const chunks: NewChunk[] = []
  for (let at = 0; at < added.length; at += filesAtOnce) {
    const some = added.slice(at, at + filesAtOnce)
    chunks.push(...(await Promise.all(some.map(([key, entry]) => chunkOf(ports, columns, key, entry)))))
  }
  return chunks.filter((chunk) => chunk.rows > 0)
}

async function chunkOf(
  { objects, clock, randomness }: IcebergPorts,
  columns: readonly Column[],
  objectKey: string,
  entry: ForeignEntry,
): Promise<NewChunk> {
  if (entry.format.toUpperCase() !== 'PARQUET') {
    throw new AppError('invalid_request', `The data file ${entry.path} is ${entry.format}, and not Parquet.`, {
      hint: 'Set write.format.default to parquet.',
    })
  }
  const bytes = await objects.size(objectKey)
  if (bytes !== entry.bytes) {
    const found = bytes === undefined ? 'is not there' : `has ${bytes} bytes`
    throw new AppError('invalid_request', `The data file ${entry.path} ${found}, and not ${entry.bytes} bytes.`)
  }
  const footer = await readFooter(entry.path, bytes, (from, to) => objects.get(objectKey, { from, to }))
  if (footer.rows !== entry.rows) {
    throw new AppError('invalid_request', `The data file ${entry.path} has ${footer.rows} rows, and not ${entry.rows}.`)
  }
  return { id: uuidv7(clock, randomness), objectKey, bytes, crc32: null, ...foreignChunk(entry.path, footer, columns) }
}
