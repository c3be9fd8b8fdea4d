import { MsgpackWalker } from '../../base/msgpack/walker.ts'
import type { MsgpackValue } from '../../base/msgpack/walker.ts'
import type { ContentEncoding } from '../../collect/collect.ts'
import { BrokenFrame } from './frame.ts'
import type { Frame } from './frame.ts'
import { encodingOf, requireShort } from './message.ts'
import type { Message } from './message.ts'

/** The four modes of the specification (v1, “Event Modes”) differ in their second element. */
export function msgpackMessageOf({ bytes, starts }: Frame): Message {
  const tag = textAt(bytes, starts[0], 'the tag')
  requireShort(tag)
  const second = new MsgpackWalker(bytes, elementAt(starts, 1)).next()
  if (second.family === 'array') {
    // Forward: an array of entries.
    const entries = bytes.subarray(second.end, starts[2] ?? bytes.byteLength)
    return { tag, entries, ...readOptions(bytes, starts[2]), encoding: 'identity', serialization: 'msgpack' }
  }
  if (second.family === 'str' || second.family === 'bin') {
    // PackedForward, compressed or not. Fluentd itself sends str, whose bytes are no text.
    const entries = bytes.subarray(second.start, second.end)
    return { tag, entries, ...readOptions(bytes, starts[2]), serialization: 'msgpack' }
  }
  // Message: time and record side by side, which are an entry with a header before them.
  const time = elementAt(starts, 1)
  elementAt(starts, 2)
  const entries = Buffer.concat([pairHeader, bytes.subarray(time, starts[3] ?? bytes.byteLength)])
  return { tag, entries, ...readOptions(bytes, starts[3]), encoding: 'identity', serialization: 'msgpack' }
}

/** An array of two. */
const pairHeader = Buffer.from([0x92])

function elementAt(starts: readonly number[], index: number): number {
  const start = starts[index]
  if (start === undefined) throw new BrokenFrame('body_malformed', `a message has ${starts.length} elements`)
  return start
}

function textAt(bytes: Buffer, at: number | undefined, what: string): string {
  const value = new MsgpackWalker(bytes, at).next()
  if (isText(value)) return bytes.toString('utf8', value.start, value.end)
  throw new BrokenFrame('body_malformed', `${what} is of type ${value.family}, and no string`)
}

function isText({ family }: MsgpackValue): boolean {
  return family === 'str' || family === 'bin'
}

type Options = Pick<Message, 'encoding' | 'chunk'>

/** Of the options, `chunk` and `compressed` matter; `size` and `fluent_signal` say nothing that the entries do not. */
function readOptions(bytes: Buffer, at: number | undefined): Options {
  let encoding: ContentEncoding = 'identity'
  let chunk: Buffer | undefined
  if (at === undefined) return { encoding, chunk }
  const walker = new MsgpackWalker(bytes, at)
  const { family, count } = walker.next()
  if (family === 'nil') return { encoding, chunk }
  if (family !== 'map') throw new BrokenFrame('body_malformed', `the options are of type ${family}, and no map`)
  for (let pair = 0; pair < count; pair += 1) {
    const key = walker.next()
    if (!isText(key)) throw new BrokenFrame('body_malformed', `an option is named by a value of type ${key.family}`)
    const name = bytes.toString('latin1', key.start, key.end)
    const start = walker.at
    walker.skip()
    const value = bytes.subarray(start, walker.at)
    if (name === 'compressed') encoding = encodingOf(textAt(value, 0, 'the option `compressed`'))
    if (name === 'chunk' && new MsgpackWalker(value).next().family !== 'nil') chunk = value
  }
  return { encoding, chunk }
}
