import type { Readable } from 'node:stream'

/**
 * The object store as an argument: immutable objects under keys of ours (`a-z 0-9 . _ - /`, never from user input).
 * A driver fails with the `AppError` codes `object_not_found`, `object_store_unavailable` and `storage_full` only.
 */
export interface ObjectStore {
  /** Stores the object durably; it is there in full or not at all. The same key again replaces it. */
  put(key: string, body: Uint8Array): Promise<void>
  /** Stores a local file as `put` does; on a directory store of the same disk without a copy. The file is consumed. */
  putFile(key: string, path: string): Promise<void>
  /** The bytes of `range` (from, inclusive; to, exclusive), or all. */
  get(key: string, range?: ByteRange): Promise<Buffer>
  stream(key: string, range?: ByteRange): Promise<Readable>
  /** The size in bytes, or undefined where there is no such object. */
  size(key: string): Promise<number | undefined>
  /** Removes the object; an absent one is no error. */
  remove(key: string): Promise<void>
  /** The keys that start with `prefix`, in order, with size and time of the last change. */
  list(prefix: string): AsyncIterable<ObjectEntry>
  /**
   * A local path at which the whole object can be read until `release` is called: the file itself on a directory
   * store, an entry of the content-addressed cache on S3.
   */
  materialize(key: string): Promise<LocalObject>
  /** Proves that the store can be reached and written. */
  check(): Promise<void>
  close(): Promise<void>
}

export interface ByteRange {
  readonly from: number
  readonly to: number
}

export interface ObjectEntry {
  readonly key: string
  readonly bytes: number
  readonly modifiedMs: number
}

export interface LocalObject {
  readonly path: string
  release(): void
}
