/** Jobs per second: by contender, then by batch size; medians of the rounds. */
export type Rates = Readonly<Record<string, Readonly<Record<string, number>>>>

/**
 * Measures every pair of contender and batch size `rounds` times. Contenders take turns within a round, each time another
 * one begins, so that what the machine does meanwhile meets all of them.
 */
export async function medianRates<Subject extends { readonly name: string }, Step extends number | string>(
  { subjects, steps, rounds }: { subjects: readonly Subject[]; steps: readonly Step[]; rounds: number },
  measure: (subject: Subject, step: Step) => Promise<number>,
): Promise<Rates> {
  const samples = new Map<string, number[]>()
  for (let round = 0; round < rounds; round++) {
    const turns = [...subjects.slice(round % subjects.length), ...subjects.slice(0, round % subjects.length)]
    for (const step of steps) {
      for (const subject of turns) {
        const key = `${subject.name} ${step}`
        samples.set(key, [...(samples.get(key) ?? []), await measure(subject, step)])
      }
    }
  }
  return Object.fromEntries(
    subjects.map(({ name }) => [
      name,
      Object.fromEntries(steps.map((step) => [`${step}`, Math.round(median(samples.get(`${name} ${step}`) ?? []))])),
    ]),
  )
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
