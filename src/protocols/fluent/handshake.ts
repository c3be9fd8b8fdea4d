import { createHash, timingSafeEqual } from 'node:crypto'

import { decode, encode } from '@msgpack/msgpack'

import { BrokenFrame } from './frame.ts'
import type { Frame } from './frame.ts'

// Forward protocol v1, “Handshake Messages”: HELO from the server, PING from the client, PONG from the server.

/** What the server says first. */
export interface Helo {
  readonly nonce: Buffer
  /** Undefined where no user has to say who it is. */
  readonly userSalt: Buffer | undefined
}

export function heloOf({ nonce, userSalt }: Helo): Buffer {
  // Clients tell by the type whether there is a salt: bytes, or an empty string.
  return packed(['HELO', { nonce, auth: userSalt ?? '', keepalive: true }])
}

/** What the client answers: whose it is, and proofs that it knows the shared key and the password of its user. */
export interface Ping {
  readonly hostname: string
  readonly salt: Uint8Array
  readonly keyDigest: string
  readonly username: string
  readonly passwordDigest: string
}

/** More is no PING. */
const pingBytesMax = 8192

/** Fails with `BrokenFrame`. */
export function pingOf({ bytes, serialization, starts }: Frame): Ping {
  if (serialization !== 'msgpack' || starts.length !== 6 || bytes.byteLength > pingBytesMax) throw noPing()
  const [word, hostname, salt, keyDigest, username, passwordDigest] = decodedParts(bytes)
  if (textOf(word) !== 'PING' || !(salt instanceof Uint8Array)) throw noPing()
  return {
    hostname: textOf(hostname),
    salt,
    keyDigest: textOf(keyDigest),
    username: textOf(username),
    passwordDigest: textOf(passwordDigest),
  }
}

function decodedParts(bytes: Buffer): readonly unknown[] {
  try {
    // Salts are bytes, which some clients send as str.
    return decode(bytes, { rawStrings: true }) as readonly unknown[]
  } catch {
    throw noPing()
  }
}

function noPing(): BrokenFrame {
  return new BrokenFrame('body_malformed', 'the answer to HELO is no PING')
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  throw noPing()
}

/** Whether the client knows the key. */
export function knowsKey(ping: Ping, nonce: Buffer, sharedKey: string): boolean {
  return isSame(ping.keyDigest, sha512(ping.salt, ping.hostname, nonce, sharedKey))
}

/** Whether the client knows the password of the user that it says it is. */
export function knowsPassword(ping: Ping, userSalt: Buffer, password: string): boolean {
  return isSame(ping.passwordDigest, sha512(userSalt, ping.username, password))
}

/** The server proves that it knows the key, too. */
export function pongOf(ping: Ping, nonce: Buffer, sharedKey: string, hostname: string): Buffer {
  return packed(['PONG', true, '', hostname, sha512(ping.salt, hostname, nonce, sharedKey)])
}

export function refusalOf(reason: string): Buffer {
  return packed(['PONG', false, reason, '', ''])
}

function sha512(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

function isSame(said: string, right: string): boolean {
  return said.length === right.length && timingSafeEqual(Buffer.from(said, 'latin1'), Buffer.from(right, 'latin1'))
}

function packed(message: unknown): Buffer {
  return Buffer.from(encode(message))
}
