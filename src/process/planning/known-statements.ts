import type { SqlDialect } from './dialects/dialect.ts'
import { translate } from './dialects/translate.ts'
import type { Translation } from './dialects/translate.ts'
import { parseScript } from './parse-script.ts'
import type { Statement } from './statement.ts'

/** Longer texts are rarely asked twice. */
const charactersMax = 10_000
const textsMax = 1000

/**
 * What texts are in the engine's language, and which statements they have, for when they come again, as those of dashboards do. Both
 * depend on the text and its dialect alone. Failures are not remembered; the text that nobody asked for longest is forgotten first.
 */
export class KnownStatements {
  readonly #translations = new Map<string, Translation>()
  readonly #scripts = new Map<string, readonly Statement[]>()

  translation(sql: string, dialect: SqlDialect): Translation {
    return remembered(this.#translations, `${dialect}:${sql}`, () => translate(sql, dialect))
  }

  /** Of a text in the engine's language. */
  script(sql: string): readonly Statement[] {
    return remembered(this.#scripts, sql, () => parseScript(sql))
  }
}

function remembered<Value>(known: Map<string, Value>, key: string, make: () => Value): Value {
  const value = known.get(key) ?? make()
  if (key.length > charactersMax) return value
  known.delete(key)
  known.set(key, value)
  const [oldest] = known.keys()
  if (known.size > textsMax && oldest !== undefined) known.delete(oldest)
  return value
}
