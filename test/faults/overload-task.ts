/** What a sender is asked to do. */
export interface SenderTask {
  readonly door: SenderDoor
  readonly name: string
  readonly url: string
  readonly fluentPort: number
  readonly apiKey: string
  readonly milliseconds: number
  readonly rowsPerBody: number
  /** Requests that are under way at one time. */
  readonly lanes: number
}

export const senderDoors = ['import', 'events', 'td', 'js', 'forward'] as const
export type SenderDoor = (typeof senderDoors)[number]

export interface SenderReport {
  readonly tried: number
  readonly acknowledged: readonly string[]
  /** How often each status was answered. Of `forward`: acknowledged, or left open. */
  readonly answers: Readonly<Record<string, number>>
  /** Refusals for want of room that did not say when to come again. */
  readonly withoutRetryAfter: number
}
