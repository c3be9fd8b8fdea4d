import { AppError } from '../base/errors.ts'
import type { BodyOutcome, ImportInput, ImportSummary } from './import-input.ts'
import type { Span } from './inbox/frame-source.ts'
import type { FramePlace, Segment } from './inbox/inbox.ts'

/** Frames that are further apart are named one by one: less than this is cheaper to read over than to write down. */
const gapBytesMax = 64 * 1024

/** Frames of one account in one segment, which one job converts. */
export class FrameGroup {
  readonly segment: Segment
  readonly accountId: number
  #frames = 0
  #bytes = 0
  #spans: [number, number][] = []
  readonly #watchers = new Map<number, (outcome: BodyOutcome | AppError) => void>()

  constructor(segment: Segment, accountId: number) {
    this.segment = segment
    this.accountId = accountId
  }

  get frames(): number {
    return this.#frames
  }

  get bytes(): number {
    return this.#bytes
  }

  get spans(): readonly Span[] {
    return this.#spans
  }

  get from(): number {
    return this.#spans[0]?.[0] ?? 0
  }

  get to(): number {
    return this.#spans.at(-1)?.[1] ?? 0
  }

  /** The first and the last byte determine the group: all frames of the account between them are in it. */
  get uniqueKey(): string {
    return `${this.segment.id}:${this.from}-${this.to}`
  }

  /** Adds a frame behind those before. */
  add({ from, to }: FramePlace, onOutcome: ((outcome: BodyOutcome | AppError) => void) | undefined): void {
    this.#frames += 1
    this.#bytes += to - from
    if (onOutcome !== undefined) this.#watchers.set(from, onOutcome)
    const last = this.#spans.at(-1)
    if (last !== undefined && from - last[1] <= gapBytesMax) last[1] = to
    else this.#spans.push([from, to])
  }

  input(): ImportInput {
    return { segment: this.segment, spans: this.#spans, watched: [...this.#watchers.keys()] }
  }

  /** Passes the outcomes on to those who wait for them. */
  tell(summary: Pick<ImportSummary, 'shown'>): void {
    for (const outcome of summary.shown) {
      this.#watchers.get(outcome.at)?.(outcome)
      this.#watchers.delete(outcome.at)
    }
    this.tellAll(new AppError('internal', 'The job that imported the body does not tell what came of it.'))
  }

  tellAll(error: AppError): void {
    for (const tell of this.#watchers.values()) tell(error)
    this.#watchers.clear()
  }
}
