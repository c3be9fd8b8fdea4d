/** Values as DuckDB prints them, so that bounds kept as text can be written into its SQL and compared with its answers. */

/** The shortest digits that name the double; an exponent of two places or more outside of 1e-4 to 1e16. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const [mantissa = '', exponent = ''] = value.toExponential().split('e')
  if (value !== 0 && (Number(exponent) >= 16 || Number(exponent) < -4)) {
    const places = exponent.slice(1).padStart(2, '0')
    return `${mantissa}e${exponent.slice(0, 1)}${places}`
  }
  const plain = Object.is(value, -0) ? '-0' : String(value)
  return plain.includes('.') ? plain : `${plain}.0`
}

export function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : ''
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  if (scale === 0) return `${sign}${digits}`
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

const microsPerDay = 86_400_000_000n

/** `2024-02-29 12:30:00.25`, of microseconds since the epoch. */
export function timestampText(micros: bigint): string {
  const day = floorDivide(micros, microsPerDay)
  const inDay = Number(micros - day * microsPerDay)
  const seconds = Math.floor(inDay / 1_000_000)
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map((part) => twoPlaces(part))
  const fraction = String(inDay % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '')
  const { date, era } = calendarDate(day)
  return `${date} ${clock.join(':')}${fraction === '' ? '' : `.${fraction}`}${era}`
}

/** `2024-02-29`, of days since the epoch. */
export function dateText(days: bigint): string {
  const { date, era } = calendarDate(days)
  return `${date}${era}`
}

/** The proleptic Gregorian date. Years count from March, so that the leap day is the last of its year. */
function calendarDate(days: bigint): { date: string; era: string } {
  const shifted = days + 719_468n
  const cycle = floorDivide(shifted, 146_097n)
  const dayOfCycle = Number(shifted - cycle * 146_097n)
  const yearOfCycle = Math.floor(
    (dayOfCycle - Math.floor(dayOfCycle / 1460) + Math.floor(dayOfCycle / 36_524) - Math.floor(dayOfCycle / 146_096)) /
      365,
  )
  const dayOfYear = dayOfCycle - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  const year = cycle * 400n + BigInt(yearOfCycle + (month <= 2 ? 1 : 0))
  const shown = year > 0n ? year : 1n - year
  const date = `${String(shown).padStart(4, '0')}-${twoPlaces(month)}-${twoPlaces(day)}`
  return { date, era: year > 0n ? '' : ' (BC)' }
}

function twoPlaces(value: number): string {
  return String(value).padStart(2, '0')
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value % by < 0n ? quotient - 1n : quotient
}
