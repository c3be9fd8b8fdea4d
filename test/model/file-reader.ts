import { stat } from 'node:fs/promises'

import type { DuckDBConnection } from '@duckdb/node-api'
import { DuckDBInstance } from '@duckdb/node-api'

export type Row = Readonly<Record<string, unknown>>

/** Files that were read at once, and the rows that they have all together. */
interface Read {
  readonly files: readonly string[]
  readonly rows: readonly Row[]
}

/** Every so many times everything is read, whatever is known. A prime, so that it comes to every one of several turns. */
const readAllEvery = 7

/**
 * Reads files by a DuckDB of its own. Files never change, so what one of the same inode, size and time showed to the same SELECT is
 * not read again: of a table that was looked at before, a step has mostly made one file. A file that was written over is another
 * one; and every so many times nothing of all that is relied on.
 */
export class FileReader {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  /** By the SELECT, without its files. */
  readonly #known = new Map<string, Read[]>()
  #reads = 0

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance
    this.#connection = connection
  }

  static async open(): Promise<FileReader> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    return new FileReader(instance, await instance.connect())
  }

  close(): void {
    this.#connection.closeSync()
    this.#instance.closeSync()
  }

  /** The rows of the files, which `select` reads, in any order. */
  async read(paths: readonly string[], select: (paths: readonly string[]) => string): Promise<readonly Row[]> {
    const query = select([])
    this.#reads += 1
    if (this.#reads % readAllEvery === 0) this.#known.delete(query)
    const unread = new Map<string, string>()
    for (const path of paths) unread.set(await identityOf(path), path)
    const rows: Row[] = []
    const known = this.#known.get(query) ?? []
    for (const read of known) {
      if (!read.files.every((file) => unread.has(file))) continue
      for (const file of read.files) unread.delete(file)
      rows.push(...read.rows)
    }
    if (unread.size === 0) return rows
    const answer = await this.#connection.runAndReadAll(select([...unread.values()]))
    const read = { files: [...unread.keys()], rows: answer.getRowObjectsJson() }
    this.#known.set(query, [...known, read])
    return [...rows, ...read.rows]
  }
}

async function identityOf(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true })
  return [path, ino, size, mtimeNs].join(' ')
}
