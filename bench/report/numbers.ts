/** As people read it: three digits that count, and thousands set apart. */
export function shownNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en')
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 6 })
}
