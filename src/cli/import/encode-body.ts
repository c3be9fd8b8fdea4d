import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'

const gzipped = promisify(gzip)

/** A server refuses bodies that inflate by far more than honest data, as it thinks of it, does. */
const ratioMax = 50

export interface EncodedBody {
  readonly body: Uint8Array
  readonly encoding: 'gzip' | 'identity'
}

/** Compresses a body for the way, where that makes it smaller by a fair amount. */
export async function encodeBody(body: Buffer): Promise<EncodedBody> {
  // Level 1 is several times faster than the default, and the way is rarely so slow that the rest pays.
  const smaller = await gzipped(body, { level: constants.Z_BEST_SPEED })
  const ratio = body.byteLength / smaller.byteLength
  return ratio > 1.1 && ratio < ratioMax ? { body: smaller, encoding: 'gzip' } : { body, encoding: 'identity' }
}

/** Whether the server is on this machine, where compression costs more than it saves. */
export function isOnThisMachine(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}
