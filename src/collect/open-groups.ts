import type { FrameGroup } from './frame-group.ts'

/** The groups that are not dealt with, by segment: they tell how far each segment is. */
export class OpenGroups {
  readonly #bySegment = new Map<string, Set<FrameGroup>>()

  open(group: FrameGroup): void {
    const open = this.#bySegment.get(group.segment.id)
    if (open === undefined) this.#bySegment.set(group.segment.id, new Set([group]))
    else open.add(group)
  }

  /** Returns the offset in the group's segment before which every frame was dealt with. */
  close(group: FrameGroup): number {
    const open = this.#bySegment.get(group.segment.id)
    open?.delete(group)
    if (open === undefined || open.size === 0) {
      this.#bySegment.delete(group.segment.id)
      return group.to
    }
    return Math.min(...[...open].map(({ from }) => from))
  }
}
