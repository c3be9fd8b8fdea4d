import { createHash } from 'node:crypto'

import type { Message } from './message.ts'

/** As many characters as collect takes in a unique id. */
const charactersMax = 255

/**
 * The id of a message by its tag and chunk, which Fluentd keeps when it sends the message again; null where it has no chunk. What
 * is not printable in either is escaped, so that no two messages get the same id.
 */
export function uniqueIdOf({ tag, chunk }: Pick<Message, 'tag' | 'chunk'>): string | null {
  if (chunk === undefined) return null
  const id = `fluent:${escaped(Buffer.from(tag))}:${chunkText(chunk)}`
  if (id.length <= charactersMax) return id
  return `fluent-sha256:${createHash('sha256').update(id).digest('hex')}`
}

/** A short str (fixstr, str8), as almost all chunks are, reads better without its header. */
function chunkText(chunk: Buffer): string {
  const first = chunk[0] as number
  if (first >= 0xa0 && first < 0xc0) return escaped(chunk.subarray(1))
  if (first === 0xd9) return escaped(chunk.subarray(2))
  return `!${escaped(chunk)}`
}

function escaped(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/[^A-Za-z0-9+/=_.@-]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
