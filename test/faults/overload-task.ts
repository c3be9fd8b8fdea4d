/** What a sender is asked to do. */
export interface SenderTask {
  readonly door: SenderDoor
  readonly name: string
  readonly url: string
  readonly fluentPort: number
  readonly apiKey: string
  readonly milliseconds: number
  /** Requests, or messages to `forward`, that are under way at one time at most. */
  readonly lanes: number
  /** Bodies a second, whatever is answered. Without it each lane sends the next when the last was answered. */
  readonly rate?: number
}

export const senderDoors = ['import', 'events', 'td', 'js', 'in_http', 'bulk', 'forward'] as const
export type SenderDoor = (typeof senderDoors)[number]

export interface SenderReport {
  /** How long it sent: as it was told, or longer, until the server had held it up (`forward`). */
  readonly sentMs: number
  /** Bodies that were due. */
  readonly offered: number
  /** Of these, how many could not even be begun: all lanes waited for the server, or their sockets took no more bytes. */
  readonly blocked: number
  readonly acknowledged: readonly string[]
  /** How many of them before the time was over. */
  readonly inTime: number
  /** How often each status was answered. Of `forward`: acknowledged, or left open. */
  readonly answers: Readonly<Record<string, number>>
  /** Refusals for want of room that did not say when to come again. */
  readonly withoutRetryAfter: number
  /** Milliseconds within which 99 of 100 refusals came; undefined where there were none. */
  readonly refusalMs: number | undefined
  /** The most bytes that waited in this process because the server did not read. */
  readonly unsentBytes: number
}

export const rowsPerBody = 24

/** One bulk import takes so many parts of one sender before the next one is begun. */
export const partsPerImport = 4000

/** The bulk import of a sender that its part goes to. */
export const bulkImportOf = (sender: string, part: number): string =>
  `overload-${sender}-${Math.floor(part / partsPerImport)}`
