import type { Sql } from './postgres.ts'

/** A plan takes some ten kilobytes of the server, on each connection that ran it. */
const preparedMax = 40

const seenMax = 200

/** Longer texts have lists of values in them, of which hardly two are of one length. */
const textCharactersMax = 10_000

/** How often a shape has to come before it is taken for one that comes again. */
const timesMin = 3

/**
 * Prepares statements that are put together, and so come in shapes: as many as there are sorts of questions, most of them asked again
 * and again. For those whose parsing and planning takes longer than running them.
 */
export class StatementShapes {
  readonly #prefix: string
  readonly #names = new Map<string, string>()
  readonly #seen = new Map<string, number>()

  /** Names are `prefix` and a number: each prefix for one of these in a process. */
  constructor(prefix: string) {
    this.#prefix = prefix
  }

  prepared(statement: Sql): Sql {
    const { text } = statement.toQuery()
    if (text.length > textCharactersMax) return statement
    const name = this.#names.get(text) ?? this.#nameOfUsual(text)
    return name === undefined ? statement : statement.prepared(name)
  }

  #nameOfUsual(text: string): string | undefined {
    if (this.#names.size >= preparedMax) return undefined
    const times = (this.#seen.get(text) ?? 0) + 1
    if (this.#seen.size > seenMax) this.#seen.clear()
    this.#seen.set(text, times)
    if (times < timesMin) return undefined
    const name = `${this.#prefix}_${this.#names.size + 1}`
    this.#names.set(text, name)
    this.#seen.delete(text)
    return name
  }
}
