/** Whole numbers without a gap, from the first to the last. */
export interface Run {
  readonly first: number
  readonly last: number
}

/** The runs that these numbers are made of, in ascending order. */
export function runsOf(numbers: readonly number[]): Run[] {
  const runs: { first: number; last: number }[] = []
  for (const number of Float64Array.from(numbers).sort()) {
    const run = runs.at(-1)
    if (run === undefined || number > run.last + 1) runs.push({ first: number, last: number })
    else run.last = number
  }
  return runs
}
