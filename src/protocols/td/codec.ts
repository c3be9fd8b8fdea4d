/** A moment as Treasure Data writes it: `2020-12-31 11:22:33 UTC`. */
export function dateText(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
