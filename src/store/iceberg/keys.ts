import type { Clock } from '../../base/clock.ts'
import type { Randomness } from '../../base/randomness.ts'
import { uuidv7 } from '../../base/randomness.ts'

/** Where everything of tables lies that is only there for other engines: `iceberg/<account>/<table>/…`. */
export const icebergPrefix = 'iceberg/'

export interface TableId {
  readonly accountId: number
  readonly tableId: number
}

/** The location of a table: other engines put their files below it. */
export function tablePrefix({ accountId, tableId }: TableId): string {
  return `${icebergPrefix}${accountId}/${tableId}`
}

/** Names of files that are new with every attempt: what an attempt that failed has left behind is never taken for another's. */
export class MetadataKeys {
  readonly #prefix: string
  readonly #attempt: string
  #manifests = 0

  constructor(table: TableId, clock: Clock, randomness: Randomness) {
    this.#prefix = `${tablePrefix(table)}/metadata`
    this.#attempt = uuidv7(clock, randomness)
  }

  nextManifest(): string {
    this.#manifests += 1
    return `${this.#prefix}/${this.#attempt}-m${this.#manifests}.avro`
  }

  manifestList(snapshot: number): string {
    return `${this.#prefix}/snap-${snapshot}-${this.#attempt}.avro`
  }

  metadata(version: number): string {
    return `${this.#prefix}/${String(version).padStart(5, '0')}-${this.#attempt}.metadata.json`
  }
}

const keyPattern = /^iceberg\/(\d+)\/(\d+)\/(?:data|metadata)\/[^/]/

/** The table that a file of another engine was written for; undefined where the key is no such file's. */
export function tableOfKey(key: string): TableId | undefined {
  const [, account, table] = keyPattern.exec(key) ?? []
  return account === undefined || table === undefined
    ? undefined
    : { accountId: Number(account), tableId: Number(table) }
}
