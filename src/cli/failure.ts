import { AppError } from '../base/errors.ts'
import { exitCodes } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { visible } from './output/visible.ts'

/** Characters from 0; lines and columns from 1. */
interface SqlPosition {
  readonly offset?: number | undefined
  readonly line?: number | undefined
  readonly column?: number | undefined
}

interface FailureFields {
  /** Where it happened: a request, a file, a line. */
  readonly where?: string | undefined
  /** What the user can do next, as a sentence. */
  readonly hint?: string | undefined
  /** Names the request in the server's log. */
  readonly requestId?: string | undefined
  /** The SQL that failed and the place in it. */
  readonly sql?: { readonly text: string; readonly position: SqlPosition } | undefined
  readonly cause?: unknown
}

/** An end of the command that is not a bug: what went wrong, where, what to do next, and the exit code. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly exitCode: ExitCode
  readonly fields: FailureFields

  constructor(exitCode: ExitCode, message: string, fields: FailureFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.exitCode = exitCode
    this.fields = fields
  }
}

export function usage(message: string, hint?: string): Failure {
  return new Failure(exitCodes.usage, message, { hint })
}

/** What any thrown thing means for the user. A bug keeps its stack: it is for whoever reads the report. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof AppError) return new Failure(exitCodes.internal, error.message, { hint: error.hint })
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new Failure(exitCodes.internal, `A bug in the biwa command: ${text}`, { hint: 'Please report it.' })
}

/** The lines for standard error, `colour` where the reader is a terminal that wants some. */
export function failureText({ message, fields }: Failure, colour: boolean): string {
  const { where, hint, requestId, sql } = fields
  const label = colour ? '\u001b[31merror:\u001b[0m' : 'error:'
  const lines = [
    `${label} ${visible(message)}`,
    ...(sql === undefined ? [] : excerpt(sql.text, sql.position)),
    ...(where === undefined ? [] : [`  where: ${visible(where)}`]),
    ...(hint === undefined ? [] : [`  next:  ${visible(hint)}`]),
    ...(requestId === undefined ? [] : [`  request ${visible(requestId)}`]),
  ]
  return `${lines.join('\n')}\n`
}

/** The line of the SQL with a caret under the place. A long line is cut around it. */
function excerpt(text: string, position: SqlPosition): string[] {
  const place = lineAndColumn(text, position)
  const line = place === undefined ? undefined : text.split('\n')[place.line - 1]
  if (place === undefined || line === undefined) return []
  const from = Math.max(0, place.column - 1 - 60)
  const shown = line.slice(from, from + 120).replaceAll('\t', ' ')
  const gutter = `  ${place.line} | `
  const caret = `${' '.repeat(gutter.length - 2)}| ${' '.repeat(place.column - 1 - from)}^`
  return [`${gutter}${visible(shown)}`, caret]
}

function lineAndColumn(text: string, position: SqlPosition): { line: number; column: number } | undefined {
  if (position.line !== undefined) return { line: position.line, column: position.column ?? 1 }
  if (position.offset === undefined) return undefined
  const before = text.slice(0, position.offset).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}
