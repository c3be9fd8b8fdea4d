import type { Plan, PlanInput } from '../engines/duckdb/tasks.ts'

/** Of all keys and plans together, as far as they can be counted without writing them out. */
const charactersMax = 10_000_000
const charactersOfColumn = 100
/** Rarely asked twice. */
const planCharactersMax = 100_000

/**
 * What the second look at a query said, for when the same text is asked over tables of the same columns: it looks at no data, and
 * depends on nothing else, unless the text asks for the moment. Which chunks are read is chosen for each query anew, of the snapshot that
 * it opens. The plan that nobody asked for longest is forgotten first.
 */
export class KnownPlans {
  readonly #known = new Map<string, Plan>()
  #characters = 0

  async of(input: PlanInput, make: () => Promise<Plan>): Promise<Plan> {
    const key = keyOf(input)
    const known = this.#known.get(key)
    if (known !== undefined) {
      this.#known.delete(key)
      this.#known.set(key, known)
      return known
    }
    const plan = await make()
    if (!plan.dependsOnMoment && !input.explain && charactersOf(key, plan) <= planCharactersMax)
      this.#remember(key, plan)
    return plan
  }

  #remember(key: string, plan: Plan): void {
    // Another query may have asked for the same meanwhile.
    if (!this.#known.has(key)) this.#characters += charactersOf(key, plan)
    this.#known.set(key, plan)
    for (const [oldest, forgotten] of this.#known) {
      if (this.#characters <= charactersMax) break
      this.#known.delete(oldest)
      this.#characters -= charactersOf(oldest, forgotten)
    }
  }
}

/** Where errors are placed is not among it: those are not remembered. */
function keyOf({ sql, database, integerDivision = false, explain, tables }: PlanInput): string {
  return JSON.stringify([sql, database, integerDivision, explain, tables])
}

/** A plan has the columns of its answer, of which a short text can ask for many. */
function charactersOf(key: string, plan: Plan): number {
  return key.length + charactersOfColumn * plan.columns.length
}
