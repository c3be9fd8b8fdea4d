import { createInterface } from 'node:readline'
import type { Interface } from 'node:readline'

import type { Database, Table } from '../answers.ts'
import { path } from '../client.ts'
import type { Client } from '../client.ts'
import { asFailure, failureText, usage } from '../failure.ts'
import { rowsOf } from '../output/cells.ts'
import { requireFormat, textFormats } from '../output/formats.ts'
import { printRows } from '../output/printer.ts'
import { secondsText } from '../amounts.ts'
import { stopwatch } from '../progress.ts'
import { tableName } from '../session.ts'
import { tell, wantsColour } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import { awaitJob, failureOfJob } from './await-job.ts'
import { deliverResult, downloadedFormat, rowsShown } from './deliver-result.ts'
import { loadHistory, saveHistory } from './history.ts'
import { splitStatements } from './sql-spans.ts'
import { submitQuery } from './submit-query.ts'

const commandsText = `\\d            list tables
\\d TABLE      show the columns of a table
\\l            list databases
\\c DATABASE   use another database
\\f FORMAT     ${textFormats.join(', ')}; \\f alone: what fits
\\x            values below each other, on or off
\\timing       tell how long statements take, on or off
\\q            leave (or Ctrl-D)

A statement ends with a semicolon. Ctrl-C throws away what is typed, or kills what runs.`

/** Talks SQL line by line. */
export class Repl {
  readonly #client: Client
  readonly #terminal: Terminal
  #database: string | undefined
  #format: string | undefined
  #timing = false
  #typed = ''
  #interrupt: (() => void) | undefined

  constructor(client: Client, terminal: Terminal, format: string | undefined) {
    this.#client = client
    this.#format = format
    this.#database = client.config.database?.value
    this.#terminal = {
      ...terminal,
      // While lines are read, Ctrl-C comes from them and not from the system.
      onInterrupt: (handler) => {
        this.#interrupt = handler
        return () => (this.#interrupt = undefined)
      },
    }
  }

  async run(): Promise<void> {
    const { stdin, stderr } = this.#terminal
    const history = await loadHistory(this.#terminal)
    const lines = createInterface({
      input: stdin,
      output: stderr,
      history,
      historySize: 1000,
      removeHistoryDuplicates: true,
    })
    let latest: string[] = history
    lines.on('history', (entries) => (latest = entries))
    lines.on('SIGINT', () => (this.#interrupt === undefined ? this.#startAgain(lines) : this.#interrupt()))
    tell(this.#terminal, `Connected to ${this.#client.config.url.value}. \\? for help.`)
    this.#prompt(lines)
    for await (const line of lines) {
      if (!(await this.#take(line))) break
      this.#prompt(lines)
    }
    lines.close()
    await saveHistory(this.#terminal, latest)
  }

  #prompt(lines: Interface): void {
    const name = this.#database ?? '(no database)'
    lines.setPrompt(this.#typed === '' ? `${name}> ` : `${' '.repeat(Math.max(0, name.length - 3))}...> `)
    lines.prompt()
  }

  #startAgain(lines: Interface): void {
    this.#typed = ''
    lines.write(null, { ctrl: true, name: 'u' })
    this.#terminal.stderr.write('\n')
    this.#prompt(lines)
  }

  /** False to leave. */
  async #take(line: string): Promise<boolean> {
    try {
      if (this.#typed === '' && line.trim().startsWith('\\')) return await this.#obey(line.trim())
      const { statements, rest } = splitStatements(`${this.#typed}${line}\n`)
      this.#typed = rest.trim() === '' ? '' : rest
      for (const statement of statements) await this.#execute(statement)
    } catch (error) {
      this.#typed = ''
      this.#terminal.stderr.write(failureText(asFailure(error), wantsColour(this.#terminal)))
    }
    return true
  }

  async #execute(sql: string): Promise<void> {
    const elapsed = stopwatch(this.#terminal.clock)
    const delivery = { format: this.#format, output: undefined, limit: rowsShown }
    const resultFormat = downloadedFormat(this.#terminal, delivery)
    const query = { sql, database: this.#database, waitSeconds: 1, resultFormat }
    const submit = () => submitQuery(this.#client, this.#terminal, query)
    const job = await awaitJob(this.#client, this.#terminal, submit, { timeoutMs: undefined, onInterrupt: 'kill' })
    const failure = failureOfJob(job)
    if (failure !== undefined) throw failure
    await deliverResult(this.#client, this.#terminal, job, delivery)
    const rows = job.query?.result?.rows
    if (this.#timing) tell(this.#terminal, `${rows ?? 0} rows in ${secondsText(elapsed())} (job ${job.id})`)
  }

  /** The commands that begin with a backslash. */
  async #obey(line: string): Promise<boolean> {
    const [, command = '', operand = ''] = /^(\\\S*)\s*([^;]*);?$/.exec(line) ?? []
    switch (command) {
      case '\\q':
        return false
      case '\\?':
        tell(this.#terminal, commandsText)
        return true
      case '\\d':
        await this.#describe(operand.trim())
        return true
      case '\\l':
        await this.#print(
          rowsOf(['name', 'table_count', 'created_at'], await this.#client.list<Database>('/databases')),
        )
        return true
      case '\\c':
        this.#database = (await this.#client.get<Database>(path`/databases/${operand.trim()}`)).name
        return true
      case '\\f':
        this.#format = operand.trim() === '' ? undefined : requireFormat(operand.trim(), textFormats)
        return true
      case '\\x':
        this.#format = this.#format === 'vertical' ? undefined : 'vertical'
        return true
      case '\\timing':
        this.#timing = !this.#timing
        tell(this.#terminal, `Timing is ${this.#timing ? 'on' : 'off'}.`)
        return true
      default:
        throw usage(`There is no command ${command}.`, '\\? lists them.')
    }
  }

  async #describe(table: string): Promise<void> {
    if (table !== '') {
      const target =
        table.includes('.') || this.#database === undefined
          ? tableName(this.#client, table)
          : { database: this.#database, table }
      const { columns } = await this.#client.get<Table>(path`/databases/${target.database}/tables/${target.table}`)
      return await this.#print(rowsOf(['name', 'type'], columns))
    }
    if (this.#database === undefined) throw usage('No database is in use.', '\\l lists them, \\c DATABASE uses one.')
    const tables = await this.#client.list<Table>(path`/databases/${this.#database}/tables`)
    await this.#print(rowsOf(['name', 'rows', 'bytes', 'updated_at'], tables))
  }

  #print(rows: Parameters<typeof printRows>[1]): Promise<void> {
    return printRows(this.#terminal, rows, this.#format)
  }
}
