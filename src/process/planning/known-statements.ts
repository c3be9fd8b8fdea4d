import type { SqlDialect } from './dialects/dialect.ts'
import { translate } from './dialects/translate.ts'
import type { Translation } from './dialects/translate.ts'
import { parseScript } from './parse-script.ts'
import type { Statement } from './statement.ts'

/** Longer texts are rarely asked twice. */
const textCharactersMax = 10_000
/** Of all texts together: what is kept of a character, with the tokens around it, is some 26 bytes. */
const charactersMax = 500_000

/**
 * What texts are in the engine's language, and which statements they have, for when they come again, as those of dashboards do. Both
 * depend on the text and its dialect alone. Failures are not remembered; the text that nobody asked for longest is forgotten first.
 */
export class KnownStatements {
  readonly #translations = new Remembered<Translation>()
  readonly #scripts = new Remembered<readonly Statement[]>()

  translation(sql: string, dialect: SqlDialect): Translation {
    return this.#translations.of(`${dialect}:${sql}`, () => translate(sql, dialect))
  }

  /** Of a text in the engine's language. */
  script(sql: string): readonly Statement[] {
    return this.#scripts.of(sql, () => parseScript(sql))
  }
}

class Remembered<Value> {
  readonly #known = new Map<string, Value>()
  #characters = 0

  of(key: string, make: () => Value): Value {
    const known = this.#known.get(key)
    const value = known ?? make()
    if (key.length > textCharactersMax) return value
    if (known === undefined) this.#characters += key.length
    this.#known.delete(key)
    this.#known.set(key, value)
    for (const oldest of this.#known.keys()) {
      if (this.#characters <= charactersMax) break
      this.#known.delete(oldest)
      this.#characters -= oldest.length
    }
    return value
  }
}
