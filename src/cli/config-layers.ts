import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { errno } from '../base/disk.ts'
import { defaultUrl } from './config.ts'
import type { Layer } from './config.ts'
import { usage } from './failure.ts'
import type { Terminal } from './terminal.ts'

/** What the command line says about the server. */
export interface ConnectionFlags {
  readonly url?: string
  readonly apiKey?: string
  readonly database?: string
  readonly profile?: string
}

/**
 * All places that settings come from, the strongest first: flags, BIWA_ variables, ./biwa.toml, the profile, the data
 * directory of a server that was started here, and the variables of td.
 */
export async function readLayers(terminal: Terminal, flags: ConnectionFlags): Promise<Layer[]> {
  const { environment } = terminal
  const profileName = flags.profile ?? environment['BIWA_PROFILE']
  const layers: (Layer | undefined)[] = [
    { origin: 'the command line', url: flags.url, apiKey: flags.apiKey, database: flags.database },
    variable('BIWA_URL', (url) => ({ url }), environment),
    variable('BIWA_API_KEY', (apiKey) => ({ apiKey }), environment),
    variable('BIWA_DATABASE', (database) => ({ database }), environment),
    await projectLayer(terminal),
    await profileLayer(terminal, profileName ?? 'default', profileName !== undefined),
    await credentialsLayer(terminal),
    treasureDataLayer(environment),
  ]
  return layers.filter((layer) => layer !== undefined)
}

function variable(
  name: string,
  layer: (value: string) => Omit<Layer, 'origin'>,
  environment: Terminal['environment'],
): Layer {
  const value = environment[name]
  return { origin: name, ...(value !== undefined && layer(value)) }
}

async function projectLayer(terminal: Terminal): Promise<Layer | undefined> {
  const path = join(terminal.workingDirectory, 'biwa.toml')
  const values = await readToml(path)
  return values && { origin: './biwa.toml', ...texts(values, path) }
}

async function profileLayer(terminal: Terminal, name: string, asked: boolean): Promise<Layer | undefined> {
  const path = profilePath(terminal)
  const profiles = (await readToml(path)) ?? {}
  const profile = profiles[name]
  if (typeof profile !== 'object' || profile === null) {
    if (!asked) return undefined
    const known = Object.keys(profiles).join(', ') || 'none'
    throw usage(
      `There is no profile “${name}” in ${path}; there are: ${known}.`,
      `biwa login --profile ${name} makes it.`,
    )
  }
  const values = texts(profile as Record<string, unknown>, path)
  return { origin: `${path} [${name}]`, ...values, keyHome: values.url ?? defaultUrl }
}

/** The key that a server made at its first start in this directory. */
async function credentialsLayer(terminal: Terminal): Promise<Layer | undefined> {
  const directory = terminal.environment['BIWA_DATA_DIR'] ?? 'biwa-data'
  const path = join(directory, 'credentials.json')
  const text = await readIfThere(join(terminal.workingDirectory, path), path)
  if (text === undefined) return undefined
  try {
    const values = texts(JSON.parse(text) as Record<string, unknown>, path)
    return { origin: path, ...values, keyHome: values.url ?? defaultUrl }
  } catch {
    throw usage(
      `${path} is not the JSON that the server writes.`,
      'Remove it and start the server again, or give --url and --api-key.',
    )
  }
}

/** Its key opens Treasure Data, so it is sent only to where TD_API_SERVER points. */
function treasureDataLayer(environment: Terminal['environment']): Layer | undefined {
  const server = environment['TD_API_SERVER']
  const apiKey = environment['TD_API_KEY']
  if (server === undefined || server === '') return undefined
  return { origin: 'TD_API_KEY', url: server, apiKey, keyHome: server }
}

export function profilePath(terminal: Terminal): string {
  const base = terminal.environment['XDG_CONFIG_HOME'] || join(terminal.homeDirectory, '.config')
  return join(base, 'biwa', 'config.toml')
}

/** The parsed file; undefined where there is none. */
export async function readToml(path: string): Promise<Record<string, unknown> | undefined> {
  const text = await readIfThere(path, path)
  if (text === undefined) return undefined
  const { parse } = await import('smol-toml')
  try {
    return parse(text)
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    throw usage(`${path} cannot be read: ${reason}`, 'Correct it; docs/cli.md shows what may be in it.')
  }
}

async function readIfThere(path: string, shown: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = errno(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw usage(`${shown} cannot be read (${code ?? 'unknown reason'}).`, 'Check its owner and permissions.')
  }
}

type Settings = Pick<Layer, 'url' | 'apiKey' | 'database'>

/** The settings of a table; a value that is no text is a mistake worth telling. */
function texts(values: Record<string, unknown>, path: string): Settings {
  const text = (key: string): string | undefined => {
    const value = values[key]
    if (value === undefined || typeof value === 'string') return value
    throw usage(`${key} in ${path} is not a text.`, `Write it in quotes: ${key} = "…"`)
  }
  return { url: text('url'), apiKey: text('api_key'), database: text('database') }
}
