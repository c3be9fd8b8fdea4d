import { BrokenFrame } from './frame.ts'
import type { Frame } from './frame.ts'
import { encodingOf, requireShort } from './message.ts'
import type { Message } from './message.ts'

const openArray = 0x5b

/**
 * A message in JSON: Message or Forward mode, because JSON has no bytes that entries could be packed in. The entries stay the
 * text that they are, so that no digit of a number is lost.
 */
export function jsonMessageOf(frame: Frame): Message {
  const elements = elementsOf(frame)
  const tag = parsed(elements[0])
  if (typeof tag !== 'string') throw new BrokenFrame('body_malformed', 'the tag is no string')
  requireShort(tag)
  const second = elements[1]
  if (second === undefined) throw new BrokenFrame('body_malformed', 'a message in JSON has no entries')
  const isForward = second[0] === openArray
  if (!isForward && elements[2] === undefined)
    throw new BrokenFrame('body_malformed', 'a message in JSON has no record')
  const entries = isForward ? second : Buffer.from(`[[${second.toString()},${elements[2]?.toString()}]]`)
  return { tag, entries, ...optionsOf(elements[isForward ? 2 : 3]), serialization: 'json' }
}

/** The text of each element, without the comma or bracket behind it. */
function elementsOf({ bytes, starts }: Frame): Buffer[] {
  return starts.map((start, index) => {
    const next = starts[index + 1]
    const text = bytes.toString('latin1', start, next ?? bytes.byteLength)
    const mark = text.lastIndexOf(next === undefined ? ']' : ',')
    return bytes.subarray(start, start + text.slice(0, mark).trimEnd().length)
  })
}

function optionsOf(element: Buffer | undefined): Pick<Message, 'encoding' | 'chunk'> {
  const options = element === undefined ? null : parsed(element)
  if (options === null) return { encoding: 'identity', chunk: undefined }
  if (typeof options !== 'object') throw new BrokenFrame('body_malformed', 'the options are no object')
  const { chunk, compressed } = options as { readonly chunk?: unknown; readonly compressed?: unknown }
  return {
    encoding: typeof compressed === 'string' ? encodingOf(compressed) : 'identity',
    chunk: chunk === undefined || chunk === null ? undefined : Buffer.from(JSON.stringify(chunk)),
  }
}

function parsed(element: Buffer | undefined): unknown {
  try {
    return JSON.parse(element?.toString('utf8') ?? '') as unknown
  } catch (error) {
    throw new BrokenFrame('body_malformed', `a message in JSON cannot be read: ${String(error)}`)
  }
}
