import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Session } from '../../../base/duckdb/session.ts'
import { withSession } from '../../../base/duckdb/session.ts'
import { systemDisk } from '../../../base/disk.ts'
import { parquetVersionDefault } from '../../../base/parquet/version.ts'
import { must } from '../../../base/errors.ts'
import { TableDraft } from '../../../collect/convert/table-draft.ts'
import type { ConvertedFile } from '../../../collect/convert/tasks.ts'
import { writeRows } from '../../../collect/convert/write-rows.ts'
import type { SplitFormat } from '../../../collect/split/splitter.ts'
import { split } from '../../../collect/split/testing/split-text.ts'
import type { Column } from '../../store.ts'

/** Files as imports write them, and a DuckDB that reads them: of one test file. */
export interface ImportedFiles {
  readonly session: Session
  newPath(): string
  /** Imports a body of records, of which there is at least one and none is rejected. */
  write(
    body: string | Uint8Array,
    options: { format: SplitFormat; known: readonly Column[]; nextFieldId: number },
  ): Promise<ConvertedFile & { newColumns: readonly Column[] }>
  close(): Promise<void>
}

export async function openImportedFiles(): Promise<ImportedFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'biwa-imported-'))
  const { session, end } = await openSession()
  let files = 0
  const newPath = () => join(folder, `${(files += 1)}.parquet`)
  return {
    session,
    newPath,
    async write(body, { format, known, nextFieldId }) {
      const result = split(format, body, { known })
      const [rejected] = result.rejected
      if (rejected !== undefined) throw new Error(`a record was rejected: ${rejected.detail}`)
      const draft = new TableDraft(known, nextFieldId)
      const parquetVersion = parquetVersionDefault
      const options = { disk: systemDisk, parquetVersion, session: { directory: folder, memoryBytes: 3e8, threads: 1 } }
      const written = await writeRows(result, draft, { ...options, lend: withSession, path: newPath() })
      return { ...must(written[0], 'there is a file'), newColumns: draft.newColumns }
    },
    async close() {
      end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A session that lasts until its end is called for. */
async function openSession(): Promise<{ session: Session; end: () => void }> {
  let end = () => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  const limits = { memoryBytes: 400e6, threads: 2, temporaryBytes: 0, spillDirectory: null }
  const session = await new Promise<Session>((resolve, reject) => {
    withSession(limits, async (opened) => {
      resolve(opened)
      await ended
    }).catch(reject)
  })
  return { session, end }
}
