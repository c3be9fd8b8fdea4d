/** The name among `names` that is spelt most alike, if any is alike enough to be meant. */
export function nearestName(wanted: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, distance: editDistance(wanted.slice(0, 128), name) }))
    .toSorted((a, b) => a.distance - b.distance)
  const best = ranked[0]
  const distanceMax = Math.max(1, Math.floor(wanted.length / 3))
  return best !== undefined && best.distance <= distanceMax ? best.name : undefined
}

/** How many letters have to be put in, taken out, changed, or swapped with their neighbour, row by row. */
function editDistance(a: string, b: string): number {
  let above: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const twoAbove = above
    above = row
    row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = swapped ? (twoAbove[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      row.push(Math.min(change, swap, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
  }
  return row[b.length] ?? 0
}
