import type { Message } from './message.ts'

/** A message of which the frame was counted. */
export interface CountedMessage {
  readonly message: Message
  readonly frameBytes: number
}

/** Small messages are put together up to about so many bytes. */
const gatherBytesMax = 256 * 1024

/**
 * Puts messages together that came at once and have one tag, if nobody waits for the acknowledgement of each: many clients send
 * every event as a message of its own. Where the messages end in a failure, those before it come first.
 */
export function* gathered(messages: Iterable<CountedMessage>): Generator<CountedMessage> {
  let open: CountedMessage[] = []
  let bytes = 0
  try {
    for (const counted of messages) {
      const [first] = open
      if (first !== undefined && (!areAlike(first.message, counted.message) || bytes >= gatherBytesMax)) {
        yield together(open)
        open = []
        bytes = 0
      }
      open.push(counted)
      bytes += counted.frameBytes
    }
  } catch (error) {
    if (open.length > 0) yield together(open)
    throw error
  }
  if (open.length > 0) yield together(open)
}

function areAlike(one: Message, other: Message): boolean {
  return one.tag === other.tag && isPlain(one) && isPlain(other)
}

function isPlain({ chunk, encoding, serialization }: Message): boolean {
  return chunk === undefined && encoding === 'identity' && serialization === 'msgpack'
}

function together(open: readonly CountedMessage[]): CountedMessage {
  const [first] = open as readonly [CountedMessage, ...CountedMessage[]]
  if (open.length === 1) return first
  const entries = Buffer.concat(open.map(({ message }) => message.entries))
  const frameBytes = open.reduce((sum, counted) => sum + counted.frameBytes, 0)
  return { message: { ...first.message, entries }, frameBytes }
}
