import type { Command } from 'commander'

import { Client } from './client.ts'
import { readLayers } from './config-layers.ts'
import type { ConnectionFlags } from './config-layers.ts'
import { resolveConfig } from './config.ts'
import { usage } from './failure.ts'
import { textFormats } from './output/formats.ts'
import type { Terminal } from './terminal.ts'

/** What every command that talks to the server takes. */
export interface CommonOptions extends ConnectionFlags {
  readonly format?: string
}

/** Adds the options of `ConnectionFlags`. */
export function withConnection(command: Command): Command {
  return command
    .option('--url <url>', 'the server; else BIWA_URL, ./biwa.toml, the profile')
    .option('--api-key <key>', 'the API key; better in BIWA_API_KEY, which no process list shows')
    .option('--profile <name>', 'a profile that “biwa login” keeps')
}

/** Adds the connection and `-f`. */
export function withOutput(command: Command, formats: readonly string[] = textFormats): Command {
  return withConnection(command).option(
    '-f, --format <format>',
    `${formats.join(', ')}; by default what fits the reader`,
  )
}

export function withDatabase(command: Command): Command {
  return command.option('-d, --database <name>', 'the database; else BIWA_DATABASE, ./biwa.toml, the profile')
}

export async function connect(terminal: Terminal, flags: ConnectionFlags): Promise<Client> {
  const config = resolveConfig(await readLayers(terminal, flags))
  return new Client({ config, clock: terminal.clock, randomness: terminal.randomness })
}

export interface TableName {
  readonly database: string
  readonly table: string
}

/** `db.table`, or a table in the database that is set otherwise. */
export function tableName(client: Client, text: string): TableName {
  const dot = text.indexOf('.')
  if (dot !== -1) return { database: text.slice(0, dot), table: text.slice(dot + 1) }
  const database = client.config.database?.value
  if (database !== undefined) return { database, table: text }
  throw usage(`The table “${text}” has no database.`, `Write <database>.${text}, or give -d <database>.`)
}

/** Fails unless the terminal's person, or `--yes`, agrees. */
export async function confirm(terminal: Terminal, question: string, yes: boolean | undefined): Promise<void> {
  if (yes === true) return
  if (terminal.stdin.isTTY !== true) throw usage(`${question} Nobody is there to agree.`, 'Add --yes.')
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr })
  try {
    const answer = await lines.question(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw usage('Nothing was done.')
  } finally {
    lines.close()
  }
}

/** A whole number in an option. */
export function wholeNumber(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value
    throw usage(`${name} is “${text}”, and not a whole number from ${min} to ${max}.`)
  }
}
