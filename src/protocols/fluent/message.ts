import type { ContentEncoding } from '../../collect/collect.ts'
import { BrokenFrame } from './frame.ts'
import type { Frame } from './frame.ts'

/** Events of one tag. The entries are passed on as they came. */
export interface Message {
  readonly tag: string
  readonly entries: Buffer
  readonly encoding: ContentEncoding
  /** The sender's name for the message, as it encoded it, if it wants to hear that the message is safe. */
  readonly chunk: Buffer | undefined
  readonly serialization: Frame['serialization']
}

/** Tags are looked at part by part. */
const tagCharactersMax = 1024

export function requireShort(tag: string): void {
  if (tag.length > tagCharactersMax) throw new BrokenFrame('body_malformed', `a tag has ${tag.length} characters`)
}

const encodings: Readonly<Record<string, ContentEncoding>> = {
  text: 'identity',
  gzip: 'gzip',
  zstd: 'zstd',
  '': 'identity',
}

export function encodingOf(name: string): ContentEncoding {
  const encoding = encodings[name]
  if (encoding !== undefined) return encoding
  throw new BrokenFrame('body_malformed', `entries are compressed with ${JSON.stringify(name.slice(0, 20))}`)
}

/** What answers a message that is durable: `{"ack": chunk}`, the chunk as the sender encoded it. */
export function ackOf({ chunk, serialization }: Message): Buffer {
  if (chunk === undefined) return Buffer.alloc(0)
  if (serialization === 'json') return Buffer.concat([Buffer.from('{"ack":'), chunk, Buffer.from('}')])
  return Buffer.concat([ackHeader, chunk])
}

/** A map of one pair, and its key `ack`. */
const ackHeader = Buffer.from([0x81, 0xa3, 0x61, 0x63, 0x6b])
