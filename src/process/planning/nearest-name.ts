/** The name among `names` that is spelt most alike, if any is alike enough to be meant. */
export function nearestName(wanted: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, distance: editDistance(wanted.slice(0, 128), name) }))
    .toSorted((a, b) => a.distance - b.distance)
  const best = ranked[0]
  // Two letters changed places are two changes; of a shorter name that would leave nothing.
  const distanceMax = wanted.length < 4 ? 1 : Math.max(2, Math.floor(wanted.length / 3))
  return best !== undefined && best.distance <= distanceMax ? best.name : undefined
}

/** How many letters have to be put in, taken out or changed (Levenshtein), row by row. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(change, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    above = row
  }
  return above[b.length] ?? 0
}
