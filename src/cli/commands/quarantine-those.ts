import type { Command } from 'commander'

import { usage } from '../failure.ts'

/** Which records are meant. */
export interface ThoseFlags {
  readonly reason?: string
  readonly body?: string
  readonly all?: boolean
}

/** Adds the options that say which records are meant, besides their ids. */
export function withThose(command: Command): Command {
  return command
    .option('--reason <reason>', 'those of a reason of “biwa quarantine reasons”')
    .option('--body <id>', 'those of the body with this id')
    .option('--all', 'all of the table')
}

/** As the API takes it. Fails where nothing is said: nobody changes everything by having forgotten something. */
export function thoseOf(ids: readonly string[], { reason, body, all }: ThoseFlags) {
  const numbers = ids.map((id) => {
    if (/^[1-9]\d{0,15}$/.test(id)) return Number(id)
    throw usage(`“${id}” is not the id of a record.`, '“biwa quarantine list” shows them.')
  })
  if (numbers.length > 0 || reason !== undefined || body !== undefined || all === true) {
    return { ids: numbers.length === 0 ? undefined : numbers, reason, unique_id: body, all }
  }
  throw usage('Say which records: ids, --reason, --body or --all.', '“biwa quarantine reasons” counts them.')
}
