import { join } from 'node:path'

import type { Disk } from '../../base/disk.ts'
import type { ObjectStore } from '../../base/objects/objects.ts'
import type { Attempt } from '../../jobs/jobs.ts'
import type { ConvertedBody, RejectedRow } from '../convert/tasks.ts'
import { importBodyBytesMax, quarantinedBytesMax } from '../limits.ts'
import type { PartRow } from './bulk.sql.ts'
import type { KeptError } from './conversions.sql.ts'
import type { PartKind } from './part-kind.ts'
import { errorBytesMax, errorRecordsMax } from './limits.ts'

const copyBytes = 1 << 20

type UnreadError = Omit<KeptError, 'reading'>

export interface ErrorKeeperOptions {
  readonly disk: Disk
  readonly objects: ObjectStore
  readonly scratchDirectory: string
  readonly attempt: Attempt
  readonly accountId: number
}

/**
 * Keeps what could not be read: records one by one as far as there is room, and of the others their part as a whole. Long ones are
 * objects below `quarantine/`, where they stay when the import is committed, and are swept when it is not.
 */
export class ErrorKeeper {
  readonly #options: ErrorKeeperOptions
  readonly #byPart = new Map<string, KeptError[]>()
  #kept = 0
  #keptBytes = 0
  #count = 0
  #objects = 0

  constructor(options: ErrorKeeperOptions) {
    this.#options = options
  }

  /** Records that could not be read; a part of which nothing could counts as one. */
  get count(): number {
    return this.#count
  }

  /** In the order of the parts. */
  kept(parts: readonly PartRow[]): KeptError[] {
    return parts.flatMap(({ name }) => this.#byPart.get(name) ?? [])
  }

  /** Keeps what of the part in the file at `path` could not be read. */
  async keep(part: PartRow, path: string, kind: PartKind, body: ConvertedBody): Promise<void> {
    const { rejected, rejectedRows, readAs, error } = body
    const receivedAtUs = part.uploadedAt.getTime() * 1000
    const errors: KeptError[] = []
    if (error !== null) {
      this.#count += 1
      const whole = await this.#wholePart(part, path, error.code, error.message)
      // What is replayed is read as a body of an import is, and those are no longer.
      const isLong = part.bytes > importBodyBytesMax
      errors.push({ ...whole, reading: isLong ? null : { ...kind, receivedAtUs, header: null } })
    }
    this.#count += rejected
    for (const row of rejectedRows) {
      if (this.#kept >= errorRecordsMax || this.#keptBytes + row.raw.byteLength > errorBytesMax) break
      this.#kept += 1
      this.#keptBytes += row.raw.byteLength
      const reading = readAs === undefined ? null : { ...readAs, encoding: 'identity', receivedAtUs }
      errors.push({ ...(await this.#record(part, row)), reading })
    }
    const more = rejected - errors.length
    if (error === null && more > 0) {
      const detail = `${more} more records of the part cannot be read; this is the part as it was sent`
      // Most of the part may have become rows: read again as a whole, it would add them a second time.
      errors.push({ ...(await this.#wholePart(part, path, 'too_many_rejected', detail)), reading: null })
    }
    this.#byPart.set(part.name, errors)
  }

  async #record({ name }: PartRow, { path, ...row }: RejectedRow): Promise<UnreadError> {
    return { part: name, ...row, objectKey: path === null ? null : await this.#putFile(path) }
  }

  async #wholePart({ name, bytes }: PartRow, path: string, reason: string, detail: string): Promise<UnreadError> {
    const { disk, scratchDirectory, attempt } = this.#options
    const isLong = bytes > quarantinedBytesMax
    const copy = join(scratchDirectory, `bulk-copy-${attempt.job.id}-${attempt.leaseToken}-${this.#count}`)
    const raw = await headOf(disk, path)
    if (isLong) await copyFile(disk, path, copy)
    const objectKey = isLong ? await this.#putFile(copy) : null
    return { part: name, recordNumber: null, byteOffset: null, reason, detail, raw, rawBytes: bytes, objectKey }
  }

  async #putFile(path: string): Promise<string> {
    const { objects, accountId, attempt } = this.#options
    const key = `quarantine/${accountId}/bulk-${attempt.job.id}-${attempt.leaseToken}-${this.#objects++}`
    await objects.putFile(key, path)
    return key
  }
}

async function headOf(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read')
  return await file.read(0, quarantinedBytesMax).finally(() => file.close())
}

async function copyFile(disk: Disk, from: string, to: string): Promise<void> {
  const source = await disk.open(from, 'read')
  try {
    const target = await disk.open(to, 'create')
    try {
      for (let offset = 0; ; offset += copyBytes) {
        const block = await source.read(offset, copyBytes)
        if (block.byteLength === 0) return
        await target.write(block, offset)
      }
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}
