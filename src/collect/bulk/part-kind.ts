import { constants, gunzipSync } from 'node:zlib'

import { Decompress } from 'fzstd'

import type { ContentEncoding, ImportFormat } from '../collect.ts'

/** How a part is to be read. */
export interface PartKind {
  readonly format: ImportFormat
  readonly encoding: ContentEncoding
}

/** So many of its first bytes tell the kind of a part. */
export const headBytes = 4096

/**
 * What a part is, by how it begins: clients name parts as they like, so that a part `logs.csv` may well hold the MessagePack that
 * its client made of a file. The name decides where the bytes do not.
 */
export function partKind(name: string, head: Buffer): PartKind {
  const encoding = encodingOf(head)
  return { format: formatOf(name, beginning(head, encoding)), encoding }
}

function encodingOf(head: Buffer): ContentEncoding {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip'
  return head.byteLength >= 4 && head.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'identity'
}

/** What the head inflates to. It ends in the middle of something, and may be broken besides: what came by then is enough. */
function beginning(head: Buffer, encoding: ContentEncoding): Buffer {
  try {
    if (encoding === 'gzip') {
      const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: headBytes * 1100 }
      return gunzipSync(head, options)
    }
    return encoding === 'zstd' ? inflatedZstd(head) : head
  } catch {
    return Buffer.alloc(0)
  }
}

function inflatedZstd(head: Buffer): Buffer {
  const pieces: Uint8Array[] = []
  const stream = new Decompress((piece) => void pieces.push(piece))
  stream.push(head, false)
  return Buffer.concat(pieces)
}

const byExtension: Readonly<Record<string, ImportFormat>> = {
  csv: 'csv',
  tsv: 'tsv',
  json: 'ndjson',
  jsonl: 'ndjson',
  ndjson: 'ndjson',
}

function formatOf(name: string, beginning: Buffer): ImportFormat {
  const [first = 0] = beginning
  // Maps of MessagePack begin so, and no text does but in alphabets of few letters.
  if ((first >= 0x80 && first <= 0x8f) || first === 0xde || first === 0xdf) return 'msgpack'
  if (beginning.subarray(0, 4).toString('latin1') === 'PAR1') return 'parquet'
  const [character] = beginning.toString('utf8').trimStart()
  if (character === '[') return 'json'
  if (character === '{') return 'ndjson'
  return byExtension[name.split('.')[1] ?? ''] ?? 'msgpack'
}
