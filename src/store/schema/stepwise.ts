/** A SELECT that adds named expressions to the rows of `from`, step by step: each step sees the names of those before. */
export function stepwise(from: string, steps: readonly Readonly<Record<string, string>>[]): string {
  return steps.reduce((inner, step) => {
    const added = Object.entries(step).map(([name, expression]) => `${expression} AS ${name}`)
    return `SELECT *, ${added.join(', ')}\nFROM (${inner})`
  }, from)
}
