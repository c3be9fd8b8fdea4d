import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Command } from 'commander'

import { countText } from '../amounts.ts'
import type { QuarantineFixed } from '../answers.ts'
import { path } from '../client.ts'
import type { Client } from '../client.ts'
import { usage } from '../failure.ts'
import { connect, tableName, withConnection, withDatabase } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import { thoseOf, withThose } from './quarantine-those.ts'
import type { ThoseFlags } from './quarantine-those.ts'

interface FixFlags extends CommonOptions, ThoseFlags {
  readonly find: readonly string[]
  readonly put: readonly string[]
  readonly hex?: boolean
  readonly with?: string
  readonly edit?: boolean
  readonly as?: string
  readonly encoding?: string
  readonly timeColumn?: string
  readonly dryRun?: boolean
}

const examples = `
What is mended is read when it is replayed; the original is kept.

Examples:
  biwa quarantine fix web.logs --reason time --find '"time":""' --put '"time":0'
  biwa quarantine fix web.logs 12 --edit
  biwa quarantine fix web.logs 12 --with record.json
  biwa quarantine fix web.logs --body upload-7 --as csv
  biwa quarantine fix web.logs --all --hex --find 'ef bf bd' --put '3f' --dry-run`

export function defineFix(quarantine: Command, terminal: Terminal): void {
  withThose(withConnection(withDatabase(quarantine.command('fix <table> [ids...]').description('mend records'))))
    .option('--find <text>', 'what is replaced, wherever it is; repeat it with --put for more', collect, [])
    .option('--put <text>', 'what takes its place', collect, [])
    .option('--hex', '--find and --put are hexadecimal digits')
    .option('--with <file>', 'new bytes for one record')
    .option('--edit', 'open one record in $EDITOR')
    .option('--as <format>', 'read it as this: ndjson, json, csv, tsv, msgpack, parquet')
    .option('--encoding <encoding>', 'it is compressed so: identity, gzip, deflate, zstd, br')
    .option('--time-column <name>', 'the column that holds the time')
    .option('-n, --dry-run', 'only say how many')
    .addHelpText('after', examples)
    .action((name: string, ids: string[], flags: FixFlags) => fix(terminal, name, ids, flags))
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

async function fix(terminal: Terminal, name: string, ids: readonly string[], flags: FixFlags): Promise<void> {
  const those = thoseOf(ids, flags)
  if ((flags.edit === true || flags.with !== undefined) && ids.length !== 1) {
    throw usage('New bytes are for one record.', 'Name one id, or mend many with --find and --put.')
  }
  const client = await connect(terminal, flags)
  const { database, table } = tableName(client, name)
  const below = path`/databases/${database}/tables/${table}/quarantine`
  const bytes = await newBytes(client, terminal, `${below}${path`/${ids[0] ?? ''}`}`, flags)
  const change = {
    ...those,
    ...(bytes === undefined ? { edits: editsOf(flags) } : { raw: bytes.toString('base64'), raw_encoding: 'base64' }),
    format: flags.as,
    encoding: flags.encoding,
    time_column: flags.timeColumn,
    dry_run: flags.dryRun ?? false,
  }
  const totals = { matched: 0, changed: 0, tooLarge: 0 }
  for (let after: number | null = 0; after !== null;) {
    const answer: QuarantineFixed = await client.post<QuarantineFixed>(`${below}/fix`, { ...change, after })
    totals.matched += answer.matched
    totals.changed += answer.changed
    totals.tooLarge += answer.too_large
    after = answer.next
  }
  tell(
    terminal,
    `${flags.dryRun === true ? 'Would mend' : 'Mended'} ${totals.changed} of ${countText(totals.matched, 'record')}.`,
  )
  if (totals.tooLarge > 0)
    tell(terminal, `${countText(totals.tooLarge, 'record')} too large to be mended here: send them anew.`)
  if (totals.changed > 0 && flags.dryRun !== true)
    tell(terminal, `biwa quarantine replay ${database}.${table} reads them again.`)
}

function editsOf({ find, put, hex }: FixFlags) {
  if (find.length !== put.length) throw usage('Each --find takes one --put.')
  return find.map((text, index) => ({ find: text, replace: put[index] ?? '', as: hex === true ? 'hex' : 'text' }))
}

async function newBytes(
  client: Client,
  terminal: Terminal,
  record: string,
  flags: FixFlags,
): Promise<Buffer | undefined> {
  if (flags.with !== undefined) return await readFile(flags.with)
  if (flags.edit !== true) return undefined
  const response = await client.send('GET', `${record}/bytes`)
  return await edited(terminal, Buffer.from(await response.arrayBuffer()))
}

/** The bytes as the person left them in the editor. Most editors end a text with a line feed that nobody meant. */
async function edited(terminal: Terminal, bytes: Buffer): Promise<Buffer> {
  const editor = terminal.environment['VISUAL'] ?? terminal.environment['EDITOR']
  if (editor === undefined || editor === '') throw usage('There is no editor.', 'Set EDITOR, or use --with FILE.')
  const folder = await mkdtemp(join(tmpdir(), 'biwa-edit-'))
  try {
    const file = join(folder, 'record')
    await writeFile(file, bytes)
    await runEditor(editor, file)
    const left = await readFile(file)
    return left.at(-1) === 0x0a && bytes.at(-1) !== 0x0a ? left.subarray(0, -1) : left
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** As a shell command, because EDITOR may have arguments. */
async function runEditor(editor: string, file: string): Promise<void> {
  const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve))
  if (code !== 0) throw usage(`The editor ended with ${code}; nothing was changed.`)
}
