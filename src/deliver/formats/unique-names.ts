/**
 * Names of result columns, which may repeat, made different for formats that cannot have them repeat: `a`, `a_1` …
 * Case does not tell names apart, as in SQL.
 */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set(names.map((name) => name.toLowerCase()))
  const given = new Set<string>()
  return names.map((name) => {
    let candidate = name
    for (let suffix = 1; given.has(candidate.toLowerCase()); suffix++) {
      const next = `${name}_${suffix}`
      if (!taken.has(next.toLowerCase())) candidate = next
    }
    given.add(candidate.toLowerCase())
    return candidate
  })
}
