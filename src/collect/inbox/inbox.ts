import type { Service } from '../../base/service.ts'
import type { ContentEncoding, ImportFormat } from '../collect.ts'
import type { IntakeDoor } from '../rejections.ts'

/** What the door knows of a body. It is written before the body, so that whoever finds the frame can convert it. */
export interface FrameHeader {
  readonly accountId: number
  readonly userId: number
  /** Null where nobody knows it any more. */
  readonly keyId: number | null
  readonly database: string
  readonly table: string
  /** The sender's id; null where it gave none, and the frame's place becomes its id. */
  readonly uniqueId: string | null
  readonly format: ImportFormat
  readonly encoding: ContentEncoding
  readonly timeColumn: string | null
  /** Microseconds since the epoch. */
  readonly receivedAtUs: number
  /** Where it came in; absent where nobody said, as in frames of before. */
  readonly door?: IntakeDoor | undefined
}

/** Where frames lie: a file of one machine's inbox, or an object. The id is new with every use of a file. */
export type Segment =
  | { readonly kind: 'file'; readonly inbox: string; readonly id: string; readonly name: string }
  | { readonly kind: 'object'; readonly id: string; readonly key: string }

/** A frame on the disk, with everything before it: bytes `from` to `to` (exclusive) of the segment. */
export interface FramePlace {
  readonly segment: Segment
  readonly accountId: number
  readonly from: number
  readonly to: number
}

/** A segment that an earlier intake left, read again. */
export interface Leftover {
  readonly segment: Segment
  readonly frames: readonly FramePlace[]
  /** Bytes that were acknowledged and are not what was written. Never empty by a mere crash. */
  readonly damaged: readonly { readonly from: number; readonly bytes: Uint8Array }[]
}

/**
 * The inbox: where a body is kept from its acknowledgement to the commit of its rows. It knows nothing of what is in a
 * body, and of jobs.
 */
export interface Inbox extends Service {
  /**
   * Resolves when the frame is durable, and with it every frame of the segment before it. Fails, having kept nothing,
   * with `storage_full`, `inbox_unavailable`, `object_store_unavailable`, `database_unavailable` or `shutting_down`.
   */
  append(header: FrameHeader, body: Uint8Array): Promise<FramePlace>
  /**
   * What earlier intakes acknowledged and nobody released. Frames may be named again that were converted already; what
   * was acknowledged and not settled is always named.
   */
  leftovers(): AsyncIterable<Leftover>
  /**
   * So many more frames of the segment have been dealt with, in particular all that lie before `before`. A segment of
   * which every frame is settled, and that takes no more, is released.
   */
  settle(segment: Segment, frames: number, before: number): void
  /** Bytes of the segments in which something is not settled yet. */
  backlogBytes(): number
}

/** The id of a frame whose sender gave none. Its place is used once only, so a replay after a crash applies it once. */
export function idOfPlace(segment: Segment, from: number): string {
  return `inbox:${segment.id}:${from}`
}

/**
 * Ids that only we give, by what they begin with: `inbox:` for bodies without one, `job:` for the rows of a query, `bulk:` for
 * bulk imports, `replay:` for records of the quarantine.
 */
export const reservedIdPrefixes: readonly string[] = ['inbox:', 'job:', 'bulk:', 'replay:']
