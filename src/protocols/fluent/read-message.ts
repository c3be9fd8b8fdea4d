import { BrokenMsgpack } from '../../base/msgpack/walker.ts'
import { BrokenFrame } from './frame.ts'
import type { Frame } from './frame.ts'
import { jsonMessageOf } from './json-message.ts'
import type { Message } from './message.ts'
import { msgpackMessageOf } from './msgpack-message.ts'

/** The message of a frame; undefined where it is a heartbeat. Fails with `BrokenFrame`. */
export function messageOf(frame: Frame): Message | undefined {
  if (frame.starts.length === 0) return undefined
  if (frame.serialization === 'json') return jsonMessageOf(frame)
  try {
    return msgpackMessageOf(frame)
  } catch (error) {
    if (error instanceof BrokenMsgpack) throw new BrokenFrame('body_malformed', error.message)
    throw error
  }
}
