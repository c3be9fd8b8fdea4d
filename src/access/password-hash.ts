import { scrypt, timingSafeEqual } from 'node:crypto'

import type { Randomness } from '../base/randomness.ts'

/** A password as it is kept: scrypt (RFC 7914) with its parameters, so that later ones can be stronger. */
export interface PasswordHash {
  readonly salt: Buffer
  readonly hash: Buffer
  readonly cost: number
  readonly blockSize: number
  readonly parallelism: number
}

/** Of passwords that are set now: 32 MiB and, on a small machine, a third of a second for each try. */
const strength = { cost: 2 ** 15, blockSize: 8, parallelism: 3 }
const saltBytes = 16
const hashBytes = 32

export async function hashPassword(password: string, randomness: Randomness): Promise<PasswordHash> {
  const salt = randomness.bytes(saltBytes)
  return { salt, hash: await derive(password, { ...strength, salt }), ...strength }
}

export async function isPassword(password: string, kept: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, kept), kept.hash)
}

/** What is compared where nobody has a password, so that the answer takes as long. */
export const nobodysHash: PasswordHash = { salt: Buffer.alloc(saltBytes), hash: Buffer.alloc(hashBytes), ...strength }

function derive(password: string, { salt, cost, blockSize, parallelism }: Omit<PasswordHash, 'hash'>): Promise<Buffer> {
  // What scrypt needs is 128 · cost · blockSize; Node asks for a limit above.
  const options = { cost, blockSize, parallelization: parallelism, maxmem: 256 * cost * blockSize }
  // One character can be written in several ways, and keyboards differ in which (RFC 8265 §4.2).
  const text = password.normalize('NFC')
  return new Promise((resolve, reject) => {
    scrypt(text, salt, hashBytes, options, (error, hash) => (error === null ? resolve(hash) : reject(error)))
  })
}
