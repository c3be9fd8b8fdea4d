import type { FoundFrame } from './inbox/frame.ts'
import type { Segment } from './inbox/inbox.ts'
import { idOfPlace } from './inbox/inbox.ts'

/** The file that bodies lie in, at the offsets of their frames. */
export interface BodySource {
  readonly path: string
  /** The body itself, which few ask for: engine processes read theirs by the path. */
  readBody(frame: FoundFrame): Promise<Buffer>
}

/** A body that was found in its frame. */
export interface Body {
  readonly segment: Segment
  readonly frame: FoundFrame
}

/** As it was sent. */
export function bytesOf({ frame }: Body): number {
  return frame.bodyTo - frame.bodyFrom
}

/** The id of a body: its sender's, or that of its place. */
export function idOf({ segment, frame }: Body): string {
  return frame.header.uniqueId ?? idOfPlace(segment, frame.from)
}
