import type { Plan, PlanInput } from '../engines/duckdb/tasks.ts'

/** Of all keys together, which have the columns of the tables in them, and are thereby about as long as the plans. */
const charactersMax = 10_000_000
/** Rarely asked twice. */
const keyCharactersMax = 100_000

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
    if (!plan.dependsOnMoment && !input.explain && key.length <= keyCharactersMax) this.#remember(key, plan)
    return plan
  }

  #remember(key: string, plan: Plan): void {
    // Another query may have asked for the same meanwhile.
    if (!this.#known.has(key)) this.#characters += key.length
    this.#known.set(key, plan)
    for (const oldest of this.#known.keys()) {
      if (this.#characters <= charactersMax) break
      this.#known.delete(oldest)
      this.#characters -= oldest.length
    }
  }
}

/** Where errors are placed is not among it: those are not remembered. */
function keyOf({ sql, database, integerDivision = false, explain, tables }: PlanInput): string {
  return JSON.stringify([sql, database, integerDivision, explain, tables])
}
