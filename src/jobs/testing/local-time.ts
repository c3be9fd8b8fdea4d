const formats = new Map<string, Intl.DateTimeFormat>()

/** What clocks in the zone show: the day as `2026-01-31`, the hour and the minute. */
export function localTime(ms: number, timezone: string): { day: string; hour: number; minute: number } {
  const format =
    formats.get(timezone) ??
    new Intl.DateTimeFormat('sv', { timeZone: timezone, dateStyle: 'short', timeStyle: 'short' })
  formats.set(timezone, format)
  const [day = '', time = ''] = format.format(ms).split(' ')
  const [hour, minute] = time.split(':').map(Number)
  return { day, hour: hour ?? 0, minute: minute ?? 0 }
}
