import { errno } from '../../../base/disk.ts'
import type { EngineContext } from '../../../base/engines/engines.ts'
import { engineFailure } from './engine-errors.ts'
import { copyAnswer, withProgress } from './execute.ts'
import type { ExecuteTools } from './execute.ts'
import { macrosFor } from './make-functions.ts'
import type { FormatRows } from './small-answer.ts'
import { readSmallAnswer } from './small-answer.ts'
import type { ExecuteInput, Execution } from './tasks.ts'
import { companionOf, hasChanges, makeViews, namedTables, needCompanion, withoutDatabases } from './views.ts'
import type { Window, Windows } from './windows.ts'

export interface WindowTools extends ExecuteTools {
  /** For small answers. */
  readonly formatRows: FormatRows
}

/** What more has to be linked, or is likely to be spilled, is better off in an instance of its own. */
const filesMax = 200
const bytesMax = 256e6

/**
 * Runs a small SELECT in an instance that is kept for its owner. Undefined where it has to be run in one of its own: because it is
 * large or needs other settings, or because it failed here, whatever by; it may have had nowhere to spill, and what else is wrong is
 * told from there.
 */
export async function executeInWindow(
  input: ExecuteInput,
  windows: Windows,
  context: EngineContext,
  tools: WindowTools,
): Promise<Execution | undefined> {
  const { kept } = input
  if (kept === null || input.fileBytes !== null || hasChanges(input) || !isSmall(input)) return undefined
  const { integerDivision, limits } = input
  const terms = { ...kept, limits, ...(integerDivision !== undefined && { integerDivision }) }
  try {
    const readSmall = async (window: Window, linked: ExecuteInput, tables?: string) => {
      const read = () => readSmallAnswer(window.session, linked, tools.formatRows, tables)
      const small = await withProgress(window.session, context, tools.clock, read)
      return small && { rows: small.rows, bytes: small.bytes.byteLength, files: [], small }
    }
    const macros = macrosFor(input)
    const oneStatement = input.small !== null && macros.length === 0 ? withoutDatabases(input) : undefined
    const small =
      oneStatement === undefined
        ? undefined
        : await windows.within(terms, 'without a transaction', async (window) => {
            const linked = { ...withLinkedFiles(input, window), sql: oneStatement }
            return await readSmall(window, linked, namedTables(linked))
          })
    if (small !== undefined) return small
    return await windows.within(terms, 'in a transaction', async (window) => {
      const linked = withLinkedFiles(input, window)
      const companion = needCompanion(linked) ? window.linkNew(companionOf(input)) : ''
      await makeViews(window.session, linked, { macros, companion })
      const known = oneStatement === undefined ? await readSmall(window, linked) : undefined
      if (known !== undefined) return known
      const target = { ...linked, path: window.linkNew(input.path) }
      const { files, ...sums } = await copyAnswer(window.session, target, context, tools)
      return { ...sums, files: files.map((file) => ({ ...file, path: input.path })) }
    })
  } catch (error) {
    if (engineFailure(error) === undefined && !cannotLink(error)) throw error
    return undefined
  }
}

function isSmall(input: ExecuteInput): boolean {
  const { sizes } = input
  return sizes.length <= filesMax && sizes.reduce((sum, bytes) => sum + bytes, 0) <= bytesMax
}

/** The same input with the names in the window of the files that it reads. */
function withLinkedFiles(input: ExecuteInput, window: Window): ExecuteInput {
  const tables = input.tables.map((table) => ({
    ...table,
    scans: table.scans.map((scan) => ({ ...scan, files: scan.files.map((file) => window.link(file)) })),
  }))
  return { ...input, tables }
}

/** A file on another disk, or one that is gone. */
const cannotLink = (error: unknown): boolean =>
  ['EXDEV', 'EPERM', 'EMLINK', 'ENOENT', 'ENOSPC'].includes(errno(error) ?? '')
