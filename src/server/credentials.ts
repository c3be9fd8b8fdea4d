import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { uuidv7 } from '../base/randomness.ts'
import type { Randomness } from '../base/randomness.ts'
import type { Clock } from '../base/clock.ts'
import { writeFileAtomically } from '../base/disk.ts'
import type { Disk } from '../base/disk.ts'

/**
 * How the command line finds the server that runs on the same machine: `credentials.json` in the data directory, readable
 * by its owner only. The key is there because the server made it; it is stored nowhere else.
 */
export interface Credentials {
  readonly url: string
  readonly apiKey: string | undefined
}

export async function readCredentials(dataDirectory: string): Promise<Credentials | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(credentialsPath(dataDirectory), 'utf8'))
    if (typeof parsed !== 'object' || parsed === null || !('url' in parsed) || typeof parsed.url !== 'string')
      return undefined
    const apiKey = 'api_key' in parsed && typeof parsed.api_key === 'string' ? parsed.api_key : undefined
    return { url: parsed.url, apiKey }
  } catch {
    return undefined
  }
}

export async function writeCredentials(
  ports: { disk: Disk; clock: Clock; randomness: Randomness },
  dataDirectory: string,
  { url, apiKey }: Credentials,
): Promise<void> {
  const path = credentialsPath(dataDirectory)
  const text = `${JSON.stringify({ url, ...(apiKey !== undefined && { api_key: apiKey }) }, null, 2)}\n`
  await writeFileAtomically(ports.disk, path, Buffer.from(text), `${path}.${uuidv7(ports.clock, ports.randomness)}`)
}

function credentialsPath(dataDirectory: string): string {
  return join(dataDirectory, 'credentials.json')
}
