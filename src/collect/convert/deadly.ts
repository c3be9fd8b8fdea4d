import { AppError } from '../../base/errors.ts'
import type { ConvertOutput } from './tasks.ts'

/** Whether a conversion failed in a way that its input may be the cause of: the process died, or had to be ended. */
export function isDeadly(error: unknown): boolean {
  if (!(error instanceof AppError)) return error instanceof Error && error.message.startsWith('an engine task failed')
  return ['worker_lost', 'query_memory_exceeded', 'query_timeout'].includes(error.code)
}

/** What is said of a body that no process survives. */
export function condemned(cause: unknown): ConvertOutput {
  const code = cause instanceof AppError ? cause.code : 'internal'
  const reason = cause instanceof AppError ? cause.message : 'Biwa failed on its own account.'
  const error = {
    code,
    message: `The body cannot be converted: ${reason}`,
    hint: 'It is kept whole in the quarantine.',
  }
  return { files: [], newColumns: [], bodies: [{ rows: 0, rejected: 0, rejectedRows: [], error }] }
}
