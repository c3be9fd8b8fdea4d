/** How the command ends, for scripts. Each number keeps its meaning for ever. */
export const exitCodes = {
  ok: 0,
  /** A bug, of the command or of the server. */
  internal: 1,
  /** The command line, a file or a name is not right. */
  usage: 2,
  /** No valid API key, or one that may not do this. */
  auth: 3,
  notFound: 4,
  /** It exists already, or somebody changed it meanwhile. */
  conflict: 5,
  /** The query failed. */
  jobFailed: 6,
  killed: 7,
  /** The wait ended, the job goes on. */
  waitTimedOut: 8,
  /** Something was found that should not be: records in quarantine under --strict, a failed check of `doctor`. */
  checkFailed: 9,
  /** The server cannot be reached, or serves nobody at the moment. */
  unreachable: 69,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Codes of the server's error catalogue that mean something else than their status does elsewhere. */
const byCode: Readonly<Record<string, ExitCode>> = {
  statement_not_allowed: exitCodes.jobFailed,
  function_not_allowed: exitCodes.jobFailed,
  scan_limit_exceeded: exitCodes.jobFailed,
  job_killed: exitCodes.killed,
  wait_timeout: exitCodes.waitTimedOut,
}

const byStatus: Readonly<Record<number, ExitCode>> = {
  401: exitCodes.auth,
  403: exitCodes.auth,
  404: exitCodes.notFound,
  409: exitCodes.conflict,
  410: exitCodes.notFound,
  429: exitCodes.unreachable,
  502: exitCodes.unreachable,
  503: exitCodes.unreachable,
  504: exitCodes.unreachable,
  507: exitCodes.unreachable,
}

/** The exit code for a failure that the server answered with. */
export function exitCodeOf(problem: { readonly status: number; readonly code: string }): ExitCode {
  const known = byCode[problem.code] ?? byStatus[problem.status]
  if (known !== undefined) return known
  if (problem.code.startsWith('query_')) return exitCodes.jobFailed
  return problem.status >= 500 ? exitCodes.internal : exitCodes.usage
}
