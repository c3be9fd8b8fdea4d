import type { Clock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'

export interface RecentAnswersOptions {
  /** How long an answer is given without asking again. */
  readonly freshMs: number
  /** How long it stays good for as long as nobody can be asked. */
  readonly keptMs: number
  /** How many answers are kept, and as many again of those that say: there is none. */
  readonly entriesMax: number
}

interface Entry<Answer> {
  readonly answer: Answer
  readonly askedMs: number
  freshUntilMs: number
}

/** After a failure the same question is answered from memory for so long before it is asked again. */
const awayMs = 1000

/**
 * What PostgreSQL answered lately, so that requests do not ask again each time, and go on for a while without it. The
 * answer `undefined` (there is none) is kept apart: a flood of guesses displaces nothing that is true.
 */
export class RecentAnswers<Answer> {
  readonly #clock: Clock
  readonly #options: RecentAnswersOptions
  // Each in the order of its last asking, the oldest first.
  readonly #found = new Map<string, Entry<Answer>>()
  readonly #missing = new Map<string, Entry<undefined>>()
  /** Questions under way: many who ask the same at once cause one query. */
  readonly #asked = new Map<string, Promise<Answer | undefined>>()

  constructor(clock: Clock, options: RecentAnswersOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** The answer from memory while it is fresh or `find` fails with `database_unavailable`; otherwise that of `find`. */
  async ask(question: string, find: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
    const known = this.#found.get(question) ?? this.#missing.get(question)
    const nowMs = this.#clock.monotonicMs()
    if (known !== undefined && nowMs < known.freshUntilMs) return known.answer
    try {
      return await (this.#asked.get(question) ?? this.#askAnew(question, find))
    } catch (error) {
      const kept = this.#found.get(question) ?? this.#missing.get(question)
      const failedMs = this.#clock.monotonicMs()
      if (!isAppError(error, 'database_unavailable') || kept === undefined) throw error
      if (failedMs - kept.askedMs >= this.#options.keptMs) throw error
      kept.freshUntilMs = failedMs + awayMs
      return kept.answer
    }
  }

  #askAnew(question: string, find: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
    const askedMs = this.#clock.monotonicMs()
    const answer = find().then(
      (found) => {
        // Forgotten meanwhile: the answer may be of the time before the change, and is good for its askers only.
        if (this.#asked.get(question) === answer) this.#keep(question, found, askedMs)
        return found
      },
      (error: unknown) => {
        if (this.#asked.get(question) === answer) this.#asked.delete(question)
        throw error
      },
    )
    this.#asked.set(question, answer)
    return answer
  }

  #keep(question: string, answer: Answer | undefined, askedMs: number): void {
    this.#asked.delete(question)
    this.#found.delete(question)
    this.#missing.delete(question)
    const freshUntilMs = askedMs + this.#options.freshMs
    if (answer === undefined) keepBounded(this.#missing, question, { answer, askedMs, freshUntilMs }, this.#options)
    else keepBounded(this.#found, question, { answer, askedMs, freshUntilMs }, this.#options)
  }

  /** Drops the answers that are no longer true, for good; those under way are not kept. */
  forget(outdated: (answer: Answer) => boolean): void {
    this.#asked.clear()
    for (const [question, { answer }] of this.#found) if (outdated(answer)) this.#found.delete(question)
  }

  /** Asks everything again, but keeps the answers for the case that nobody can be asked. */
  expire(): void {
    this.#asked.clear()
    for (const entry of this.#found.values()) entry.freshUntilMs = Number.NEGATIVE_INFINITY
    for (const entry of this.#missing.values()) entry.freshUntilMs = Number.NEGATIVE_INFINITY
  }
}

function keepBounded<Answer>(
  entries: Map<string, Entry<Answer>>,
  question: string,
  entry: Entry<Answer>,
  { entriesMax }: RecentAnswersOptions,
): void {
  entries.set(question, entry)
  if (entries.size <= entriesMax) return
  const [oldest] = entries.keys()
  if (oldest !== undefined) entries.delete(oldest)
}
