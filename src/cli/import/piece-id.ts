import { createHash } from 'node:crypto'

import type { Piece } from './pieces.ts'

/**
 * The unique id of a piece: the same file cut at the same places gives the same ids, so that an import that broke off is
 * repeated without a record counting twice. The name of the file belongs to it, because two files may well have the
 * same content and both be meant.
 */
export function pieceId(prefix: string, sourceName: string, { body, offset }: Piece): string {
  const digest = createHash('sha256').update(sourceName).update('\0').update(body).digest('hex')
  return `${prefix === '' ? '' : `${prefix}-`}${digest.slice(0, 40)}-${offset}`
}

/** What a prefix may be: together with the rest, an id has at most 255 characters. */
export const prefixLengthMax = 180
