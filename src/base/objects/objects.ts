import type { Readable } from 'node:stream'

import type { StallWatch } from './stall-checker.ts'

/**
 * The object store as an argument: immutable objects under keys of ours (`a-z 0-9 . _ - /`, never from user input).
 * A driver fails with the `AppError` codes `object_not_found`, `object_store_unavailable` and `storage_full` only. The
 * store that `openObjectStore` makes of a driver adds `object_damaged`, for one whose size is not what it should be.
 */
export interface ObjectStore {
  /** Stores the object durably; it is there in full or not at all. The same key again replaces it. */
  put(key: string, body: Uint8Array, call?: ObjectCall): Promise<void>
  /** Stores a local file as `put` does; on a directory store of the same disk without a copy. The file is consumed. */
  putFile(key: string, path: string, call?: ObjectCall): Promise<void>
  /** The bytes of `range` (from, inclusive; to, exclusive), or all. */
  get(key: string, range?: ByteRange, call?: ObjectCall): Promise<Buffer>
  stream(key: string, range?: ByteRange, call?: ObjectCall): Promise<Readable>
  /** The size in bytes, or undefined where there is no such object. */
  size(key: string, call?: ObjectCall): Promise<number | undefined>
  /** Removes the object; an absent one is no error. */
  remove(key: string, call?: ObjectCall): Promise<void>
  /** The keys that start with `prefix` and come behind `after`, in order, with size and time of the last change. */
  list(prefix: string, call?: ObjectCall & { readonly after?: string }): AsyncIterable<ObjectEntry>
  /**
   * A local path at which the whole object can be read until `release` is called: the file itself on a directory
   * store, an entry of the content-addressed cache on S3.
   */
  materialize(key: string, call?: ObjectCall): Promise<LocalObject>
  /** Lets go of the local copy, where there is one: the next `materialize` fetches the object anew. */
  dropLocal(key: string): void
  /** Proves that the store can be reached and written. */
  check(call?: ObjectCall): Promise<void>
  close(): Promise<void>
}

/** What may go with a call. */
export interface ObjectCall {
  /** How large the whole object is, where the caller knows it: what is read is held against it. */
  readonly bytes?: number
  /**
   * Whether it is enough that this process saw the object before: for whoever opens the local file and looks by himself whether it is
   * there and whole.
   */
  readonly onceSeen?: boolean
  /** Says when to give up, and hears that bytes move. For drivers: `openObjectStore` sees to it. */
  readonly watch?: StallWatch
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
  /** How large it is, where the driver has just looked. */
  readonly bytes?: number
  release(): void
}
