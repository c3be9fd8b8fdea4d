import { diskFailed, diskFull, errno } from '../disk.ts'
import type { AppError } from '../errors.ts'

/** `(4.4 MiB/4.5 MiB used)`: how much was spilled, and how much may be. */
const spillPattern = /\([\d.]+ \w+\/([\d.]+) (bytes|KiB|MiB|GiB|TiB) used\)/

const unitBytes: Readonly<Record<string, number>> = { bytes: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

/**
 * Whether DuckDB failed because a disk is full. Where it writes, it hands on the words of the system. Where it spills, it
 * counts beforehand, and calls the space that the disk has left its limit: that is less than the `temporaryBytes` which
 * it may use by our own.
 */
function saysDiskFull(message: string, temporaryBytes = Infinity): boolean {
  if (/No space left on device|Disk quota exceeded/i.test(message)) return true
  const [, amount, unit] = spillPattern.exec(message) ?? []
  if (!message.includes('max_temp_directory_size') || amount === undefined || unit === undefined) return false
  // It is printed with one digit behind the point.
  return Number(amount) * (unitBytes[unit] ?? 1) < temporaryBytes * 0.95
}

/** `Could not write file "/data/…": Input/output error`: DuckDB’s words, and behind them the system’s. */
const failedPattern = /^(?:Could not|Cannot|Failed to) [^"]*"[^"]*"[^"]*: Input\/output error/

/** What DuckDB says of a failed call of the system, in prose or as JSON (`errors_as_json`); undefined for other failures. */
function ioMessage(message: string): string | undefined {
  if (!message.startsWith('{')) return /^IO Error: (.*)/s.exec(message)?.[1]
  const { exception_type: type, exception_message: said } = JSON.parse(message) as Record<string, unknown>
  return type === 'IO' && typeof said === 'string' ? said : undefined
}

/** What a failure is that comes of the disk and says nothing of the work; undefined for every other one. */
export function diskFailure(error: Error, temporaryBytes = Infinity): AppError | undefined {
  if (errno(error) === 'ENOSPC' || saysDiskFull(error.message, temporaryBytes)) return diskFull(error)
  return errno(error) === 'EIO' || failedPattern.test(ioMessage(error.message) ?? '') ? diskFailed(error) : undefined
}
