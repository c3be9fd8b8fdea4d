import { stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

import type { Command } from 'commander'

import type { Account, Status } from '../answers.ts'
import { bytesText } from '../amounts.ts'
import type { Client } from '../client.ts'
import { profilePath } from '../config-layers.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure, asFailure } from '../failure.ts'
import { rowsOf } from '../output/cells.ts'
import { printRows } from '../output/printer.ts'
import { connect, withOutput } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import type { Terminal } from '../terminal.ts'

interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly detail: string
  /** What to do where it is not well. */
  readonly next: string | null
}

export function defineDoctor(command: Command, terminal: Terminal): void {
  withOutput(command).action(async (flags: CommonOptions) => {
    const client = await connect(terminal, flags)
    const findings = [
      checkNode(),
      ...(await checkServer(client, terminal)),
      await checkKey(client),
      ...(await checkParts(client)),
      await checkDisk(terminal),
      await checkProfile(terminal),
    ]
    const columns = ['check', 'ok', 'detail', 'next'] as const
    await printRows(terminal, rowsOf(columns, findings), flags.format)
    const failed = findings.filter(({ ok }) => !ok)
    if (failed.length === 0) return
    const names = failed.map(({ check }) => check).join(', ')
    throw new Failure(exitCodes.checkFailed, `Not well: ${names}.`, { hint: failed[0]?.next ?? undefined })
  })
}

function well(check: string, detail: string): Finding {
  return { check, ok: true, detail, next: null }
}

function ill(check: string, detail: string, next: string): Finding {
  return { check, ok: false, detail, next }
}

async function attempt(check: string, work: () => Promise<Finding>): Promise<Finding> {
  try {
    return await work()
  } catch (error) {
    const { message, fields } = asFailure(error)
    return ill(check, message, fields.hint ?? 'See above.')
  }
}

function checkNode(): Finding {
  const { node } = process.versions
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const fits = major > 20 || (major === 20 && minor >= 19)
  return fits ? well('node', node) : ill('node', node, 'Install Node 20.19 or newer.')
}

/** A larger difference makes times of receipt and retention surprising. */
const clockSkewSecondsMax = 5

async function checkServer(client: Client, terminal: Terminal): Promise<Finding[]> {
  const { url } = client.config
  try {
    const response = await fetch(`${url.value}/healthz`, { signal: AbortSignal.timeout(10_000) })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`it answers with status ${response.status}`)
    return [well('server', `${url.value} (from ${url.origin})`), checkClock(terminal, response.headers.get('date'))]
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const reason = cause instanceof Error ? cause.message : String(cause)
    return [
      ill(
        'server',
        `${url.value} (from ${url.origin}): ${reason}`,
        'Start it with “biwa serve”, or name another with --url.',
      ),
    ]
  }
}

function checkClock(terminal: Terminal, date: string | null): Finding {
  if (date === null) return well('clock', 'the server does not tell its time')
  // The header has whole seconds, cut off.
  const skew = (terminal.clock.nowMs() - Date.parse(date) - 500) / 1000
  const detail = `${Math.abs(skew).toFixed(1)} s ${skew < 0 ? 'behind' : 'ahead of'} the server`
  return Math.abs(skew) <= clockSkewSecondsMax
    ? well('clock', detail)
    : ill('clock', detail, 'Let NTP set both clocks.')
}

function checkKey(client: Client): Promise<Finding> {
  return attempt('key', async () => {
    const { id, name, key, user } = await client.get<Account>('/account')
    const origin = client.config.apiKey?.origin ?? ''
    return well('key', `${key.kind} key of account ${id} (${name}), role ${user.role}, from ${origin}`)
  })
}

/** What the server says of the things it needs. */
async function checkParts(client: Client): Promise<Finding[]> {
  try {
    const { checks } = await client.get<Status>('/status')
    return checks.map(({ name, ok, detail }) =>
      ok ? well(name, detail ?? 'well') : ill(name, detail ?? 'not well', `Look at the server’s log for ${name}.`),
    )
  } catch (error) {
    const { message, fields } = asFailure(error)
    return [ill('status', message, fields.hint ?? 'See above.')]
  }
}

/** Below this, imports and queries that spill soon fail. */
const diskBytesMin = 2e9

function checkDisk(terminal: Terminal): Promise<Finding> {
  return attempt('disk', async () => {
    const dataDirectory = join(terminal.workingDirectory, terminal.environment['BIWA_DATA_DIR'] ?? 'biwa-data')
    const isThere = await stat(dataDirectory).then(
      () => true,
      () => false,
    )
    const place = isThere ? dataDirectory : terminal.workingDirectory
    const { bavail, bsize } = await statfs(place)
    const detail = `${bytesText(bavail * bsize)} free at ${place}`
    return bavail * bsize >= diskBytesMin
      ? well('disk', detail)
      : ill('disk', detail, 'Free space, or move the data directory.')
  })
}

async function checkProfile(terminal: Terminal): Promise<Finding> {
  const path = profilePath(terminal)
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return well('profile', 'none; biwa login makes one')
  const isPrivate = (found.mode & 0o077) === 0 || process.platform === 'win32'
  return isPrivate ? well('profile', path) : ill('profile', `${path} can be read by others`, `chmod 600 ${path}`)
}
