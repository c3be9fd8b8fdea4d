import { chmod, mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

import { stringify } from 'smol-toml'

import { profilePath, readToml } from './config-layers.ts'
import type { Terminal } from './terminal.ts'

export interface Profile {
  readonly url: string
  readonly apiKey: string
  readonly database: string | undefined
}

/** Keeps a profile beside the others, in a file that only its owner can read. Answers the file. */
export async function saveProfile(terminal: Terminal, name: string, profile: Profile): Promise<string> {
  const path = profilePath(terminal)
  const profiles = (await readToml(path)) ?? {}
  const { url, apiKey, database } = profile
  const text = stringify({
    ...profiles,
    [name]: { url, api_key: apiKey, ...(database !== undefined && { database }) },
  })
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${process.pid}`
  await writeFile(temporary, `${text}\n`, { mode: 0o600 })
  await chmod(temporary, 0o600)
  await rename(temporary, path)
  return path
}
