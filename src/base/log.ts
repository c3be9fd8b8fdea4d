import { pino } from 'pino'
import type { Logger } from 'pino'

export type { Logger } from 'pino'

/** JSON lines on standard error: standard output belongs to data and to what a person asked for. */
export function openLog(level: string, fields: Record<string, unknown> = {}): Logger {
  return pino(
    { level, base: { pid: process.pid, ...fields }, redact: ['req.headers.authorization', '*.apiKey', '*.secret'] },
    pino.destination({ dest: 2, sync: true }),
  )
}
