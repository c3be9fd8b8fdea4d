import type { Analysis, EngineSql } from '../engines/duckdb/tasks.ts'

/** Texts of more characters are rarely asked twice, and take milliseconds to plan anyway. */
const charactersMax = 10_000
const textsMax = 1000

/**
 * What the first look at a text said, for when it comes again, as those of dashboards do: it depends on nothing else but where the
 * text stands. The one that nobody asked for longest is forgotten first.
 */
export class KnownAnalyses {
  readonly #known = new Map<string, Analysis>()

  async of(text: EngineSql, analyse: () => Promise<Analysis>): Promise<Analysis> {
    // Errors are placed in the whole text, and are not remembered.
    const key = `${text.offset}:${text.sql}`
    const known = this.#known.get(key) ?? (await analyse())
    if (key.length > charactersMax) return known
    this.#known.delete(key)
    this.#known.set(key, known)
    const [oldest] = this.#known.keys()
    if (this.#known.size > textsMax && oldest !== undefined) this.#known.delete(oldest)
    return known
  }
}
