import type { FoundFrame } from './inbox/frame.ts'
import type { Segment } from './inbox/inbox.ts'
import { idOfPlace } from './inbox/inbox.ts'

/** A body that was found in its frame. */
export interface Body {
  readonly segment: Segment
  readonly frame: FoundFrame
}

/** The id of a body: its sender's, or that of its place. */
export function idOf({ segment, frame }: Body): string {
  return frame.header.uniqueId ?? idOfPlace(segment, frame.from)
}
