import { assert } from '../errors.ts'

/**
 * Keys are made by us alone, so a wrong one is a bug: segments of `a-z 0-9 . _ -` with slashes between, none of which
 * starts with a dot. That keeps `..` and the hidden names of a driver's own files out of reach.
 */
const keyPattern = /^[a-z0-9_-][a-z0-9._-]*(?:\/[a-z0-9_-][a-z0-9._-]*)*$/
const prefixPattern = /^(?:[a-z0-9_-][a-z0-9._-]*(?:\/|$))*$/

export function assertKey(key: string): void {
  assert(key.length <= 512 && keyPattern.test(key), `${JSON.stringify(key)} is a key of the object store`)
}

export function assertPrefix(prefix: string): void {
  assert(prefix.length <= 512 && prefixPattern.test(prefix), `${JSON.stringify(prefix)} is a prefix of keys`)
}
