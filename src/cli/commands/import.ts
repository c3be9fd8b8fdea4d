import type { Command } from 'commander'

import { bytesText, countText, secondsText } from '../amounts.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure, asFailure, usage } from '../failure.ts'
import { importFiles, newTotals } from '../import/import-files.ts'
import type { ImportOptions, ImportTotals } from '../import/import-files.ts'
import { prefixLengthMax } from '../import/piece-id.ts'
import { guessFormat, recordFormats } from '../import/record-format.ts'
import type { RecordFormat } from '../import/record-format.ts'
import { openSource } from '../import/source.ts'
import type { Source } from '../import/source.ts'
import { requireFormat, textFormats } from '../output/formats.ts'
import { printRecord } from '../output/printer.ts'
import { visible } from '../output/visible.ts'
import { Progress, stopwatch } from '../progress.ts'
import type { ProgressState } from '../progress.ts'
import { connect, tableName, wholeNumber, withConnection, withDatabase } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import { uuidv7 } from '../../base/randomness.ts'

interface ImportFlags extends CommonOptions {
  readonly table?: string
  readonly timeColumn?: string
  readonly idPrefix?: string
  readonly wait?: boolean
  readonly waitTimeout: number
  readonly strict?: boolean
  readonly parallel: number
  readonly summary?: string
}

export function defineImport(command: Command, terminal: Terminal): void {
  withConnection(withDatabase(command))
    .argument('<file...>', 'files, or - for standard input; the last may be <database>.<table> instead of -t')
    .option('-t, --table <table>', 'the table, or <database>.<table>; it is made where it is absent')
    .option('-f, --format <format>', `${recordFormats.join(', ')}; else the name of each file says it`)
    .option('--time-column <column>', 'the column that holds the time, instead of “time”')
    .option(
      '--id-prefix <text>',
      'makes the same files count again under another prefix; needed to repeat standard input',
    )
    .option('-w, --wait', 'until the records can be queried, and tell what became of them')
    .option(
      '--wait-timeout <seconds>',
      'how long --wait waits for each body',
      wholeNumber('--wait-timeout', 1, 86_400),
      600,
    )
    .option('--strict', `fail (${exitCodes.checkFailed}) when a record was quarantined; waits`)
    .option('--parallel <number>', 'bodies sent at a time', wholeNumber('--parallel', 1, 64), 4)
    .option('--summary <format>', `write the summary to standard output, too: ${textFormats.join(', ')}`)
    .addHelpText(
      'after',
      '\nFiles may be compressed: .gz, .br, .zst. Running the same command again sends what is missing, once.',
    )
    .action((files: string[], flags: ImportFlags) => runImport(terminal, files, flags))
}

async function runImport(terminal: Terminal, operands: readonly string[], flags: ImportFlags): Promise<void> {
  const client = await connect(terminal, flags)
  const { files, table } = filesAndTable(operands, flags.table)
  const target = tableName(client, table)
  const sources: Source[] = []
  for (const file of files) sources.push(await openSource(terminal, file))
  const stop = new AbortController()
  const totals = newTotals()
  const elapsed = stopwatch(terminal.clock)
  const progress = new Progress(terminal, () => progressState(sources, totals, elapsed()))
  const options: ImportOptions = {
    ...importOptions(terminal, flags),
    target,
    signal: stop.signal,
    onRetry: ({ message }) => progress.tell(`${visible(message)} Trying again.`),
  }
  const release = terminal.onInterrupt(() => stop.abort())
  progress.start()
  try {
    await importFiles(client, sources, options, totals)
  } catch (error) {
    throw resumable(error, totals)
  } finally {
    progress.stop()
    release()
  }
  const where = `${target.database}.${target.table}`
  summarize(terminal, where, totals, elapsed(), options.waitMs !== undefined)
  if (flags.summary !== undefined) await printRecord(terminal, summaryRecord(where, totals, elapsed()), flags.summary)
  const unread = totals.quarantined + totals.duplicateQuarantined
  if (flags.strict === true && unread > 0) {
    const hint = `biwa table quarantine ${where} shows them.`
    throw new Failure(exitCodes.checkFailed, `${countText(unread, 'record')} could not be read.`, { hint })
  }
}

/** `import FILE… db.table`, or `import FILE… -t table`. */
function filesAndTable(operands: readonly string[], table: string | undefined) {
  if (table !== undefined) return { files: operands, table }
  const last = operands.at(-1)
  if (operands.length < 2 || last === undefined)
    throw usage('The import has no table.', 'biwa import FILE… -t <database>.<table>')
  return { files: operands.slice(0, -1), table: last }
}

function importOptions(terminal: Terminal, flags: ImportFlags) {
  const format = flags.format === undefined ? undefined : requireFormat<RecordFormat>(flags.format, recordFormats)
  const prefix = flags.idPrefix
  if (prefix !== undefined && prefix.length > prefixLengthMax) {
    throw usage(`--id-prefix has ${prefix.length} characters; ${prefixLengthMax} are allowed.`)
  }
  // Standard input has no name to tell two of them apart: the same events, piped twice, are meant twice.
  const thisRun = uuidv7(terminal.clock, terminal.randomness)
  return {
    formatOf: (source: Source) =>
      format === undefined ? { format: guessFormat(source.name), guessed: true } : { format, guessed: false },
    timeColumn: flags.timeColumn,
    idPrefix: (source: Source) => prefix ?? (source.name === '-' ? thisRun : ''),
    waitMs: flags.wait === true || flags.strict === true ? flags.waitTimeout * 1000 : undefined,
    parallel: flags.parallel,
  }
}

function progressState(sources: readonly Source[], totals: ImportTotals, seconds: number): ProgressState {
  const { sourceBytes: sent, records } = totals
  const known = sources.every(({ bytesTotal }) => bytesTotal !== undefined)
  const total = sources.reduce((sum, { bytesTotal }) => sum + (bytesTotal ?? 0), 0)
  const fraction = known && total > 0 ? sent / total : undefined
  const remaining = fraction === undefined || fraction === 0 ? undefined : (seconds / fraction) * (1 - fraction)
  const rate = records === undefined || seconds === 0 ? undefined : Math.round(records / seconds)
  const parts = [
    known ? `${bytesText(sent)} of ${bytesText(total)}` : bytesText(sent),
    ...(records === undefined ? [] : [countText(records, 'record')]),
    ...(rate === undefined ? [] : [`${rate.toLocaleString('en')}/s`]),
    secondsText(seconds),
    ...(remaining === undefined ? [] : [`${secondsText(remaining)} to go`]),
  ]
  return { text: `import: ${parts.join(', ')}`, fraction }
}

/** What was acknowledged stays, and the ids make a repetition safe: that is what the person needs to know. */
function resumable(error: unknown, totals: ImportTotals): Failure {
  const failure = asFailure(error)
  if (failure.exitCode === exitCodes.internal || totals.bodies === 0) return failure
  const kept = `${bytesText(totals.bytes)} in ${countText(totals.bodies, 'part')} arrived. Run the same command again: what arrived does not count twice.`
  return new Failure(failure.exitCode, failure.message, {
    ...failure.fields,
    hint: failure.fields.hint === undefined ? kept : `${failure.fields.hint} ${kept}`,
  })
}

function summarize(terminal: Terminal, where: string, totals: ImportTotals, seconds: number, waited: boolean): void {
  const size = `${bytesText(totals.bytes)} in ${secondsText(seconds)}`
  if (!waited) {
    const records = totals.records === undefined ? '' : `${countText(totals.records, 'record')}, `
    tell(
      terminal,
      `Sent to ${where}: ${records}${size}. The server has them on disk; --wait tells what became of them.`,
    )
    return
  }
  tell(terminal, `Imported into ${where}: ${countText(totals.accepted, 'record')}, ${size}.`)
  if (totals.duplicateBodies > 0) {
    const before = countText(totals.duplicateRecords, 'record')
    tell(terminal, `  ${before} had been imported from the same files before; --id-prefix makes them count again.`)
  }
  if (totals.quarantined === 0) return
  tell(terminal, `  ${countText(totals.quarantined, 'record')} could not be read (biwa table quarantine ${where}):`)
  for (const { source, offset, recordNumber, reason, detail } of totals.rejected) {
    const place = `${source}, from byte ${offset}${recordNumber === null ? '' : `, record ${recordNumber}`}`
    tell(terminal, visible(`    ${place}: ${reason}: ${detail}`))
  }
}

function summaryRecord(table: string, totals: ImportTotals, seconds: number) {
  return {
    table,
    bodies: totals.bodies,
    bytes: totals.bytes,
    records: totals.records ?? null,
    accepted: totals.accepted,
    quarantined: totals.quarantined,
    duplicate_bodies: totals.duplicateBodies,
    duplicate_records: totals.duplicateRecords,
    duplicate_quarantined: totals.duplicateQuarantined,
    seconds: Number(seconds.toFixed(3)),
  }
}
