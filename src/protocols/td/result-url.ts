import { AppError } from '../../base/errors.ts'
import { requireName } from '../../base/names.ts'
import type { Delivery } from '../../process/process.ts'
import { choiceParameter } from './parameters.ts'
import type { Call } from './operation.ts'

const modes = ['append', 'replace'] as const

/**
 * Where a result is to go, of a URL such as `td://key@host/database/table?mode=replace`. The host is this server, or left out; the key is
 * the caller's own unless one is there. Undefined where nothing is asked for. What cannot be done is said now, before the query runs.
 */
export async function readResultUrl(call: Call, text = ''): Promise<Delivery | undefined> {
  if (text === '') return undefined
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) throw missing(`the saved connection ${JSON.stringify(text.split(':', 1)[0])}`)
  if (scheme !== 'td') throw missing(scheme)
  const found = /^td:\/\/(?:([^@]*)@)?([^/?@]*)\/([^/?@]+)\/([^/?@]+)(?:\?(.*))?$/i.exec(text)
  if (found === null) throw malformed(text)
  const [, key = '', host = '', database = '', table = '', query = ''] = found
  if (host !== '' && host.toLowerCase() !== (call.headers.host ?? '').toLowerCase()) throw missing(`td://${host}`)
  requireName('table', table)
  const form = Object.fromEntries(new URLSearchParams(query))
  const mode = choiceParameter({ ...call, form }, 'mode', modes) ?? 'append'
  const principal = key === '' ? call.principal : await call.access.authenticate(decodeURIComponent(key))
  await call.store.database(principal.accountId, database)
  const shownAs = `td://${key === '' ? '' : '***'}@${host}/${database}/${table}?mode=${mode}`
  return { database, table, mode, principal, shownAs }
}

/** Connections that were saved somewhere, and what they are to be used with. */
export function refuseConnections({ form }: Call): void {
  for (const name of ['result_connection_id', 'result_connection_settings', 'connection']) {
    if ((form[name] ?? '') !== '') throw missing(`the connection of “${name}”`)
  }
}

function missing(target: string): AppError {
  return new AppError('not_supported', `Results cannot go to ${target} yet; nothing was run.`, {
    hint: 'td:///database/table?mode=append or mode=replace puts them into a table of this server.',
  })
}

function malformed(text: string): AppError {
  return new AppError(
    'invalid_request',
    `The result URL ${JSON.stringify(text.replace(/\/\/.*@/s, '//***@'))} is not valid.`,
    {
      hint: 'Write td:///database/table?mode=append, or td://key@host/database/table?mode=replace.',
    },
  )
}
