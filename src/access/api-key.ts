import { hash } from 'node:crypto'

import type { Randomness } from '../base/randomness.ts'

/** 256 bits: whoever steals the hashes gains nothing by guessing, so a plain SHA-256 is enough. */
const secretBytes = 32

/** A key as it is shown once (`key`), and what is kept of it. */
export interface MintedKey {
  readonly key: string
  readonly sha256: Buffer
  /** The last four characters. */
  readonly hint: string
}

/** A new key of the account, in the form `accountid/hex`. */
export function mintKey(accountId: number, randomness: Randomness): MintedKey {
  const key = `${accountId}/${randomness.bytes(secretBytes).toString('hex')}`
  return { key, sha256: hashKey(key), hint: key.slice(-4) }
}

/**
 * What a key is found by. The hash covers the account id, too: a secret under the id of another account is an unknown
 * key like any other, and whatever does not even look like a key takes the same way through the same work.
 */
export function hashKey(key: string): Buffer {
  return Buffer.from(hashText(key), 'base64')
}

/** The same as text. In one call, without an object for the hash, this takes less than half the time; every request needs it. */
export function hashText(key: string): string {
  return hash('sha256', key, 'base64')
}
