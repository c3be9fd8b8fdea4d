import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import S3rver from '@20minutes/s3rver'

import { openTestDatabase } from './postgres.ts'

/**
 * `BIWA_TEST_BACKEND=external` (npm run test:external) runs the tests of the whole server on a PostgreSQL that the server
 * does not start and on an S3-compatible store: one bucket, and one database per data directory, so that a server that
 * is started again finds its own.
 */
export const external = process.env['BIWA_TEST_BACKEND'] === 'external'

const databases = new Map<string, { url: string; prefix: string }>()
let endpoint: Promise<string> | undefined

export async function externalEnvironment(dataDirectory: string): Promise<Record<string, string>> {
  endpoint ??= startObjectStore()
  let backend = databases.get(dataDirectory)
  if (backend === undefined) {
    backend = { url: (await openTestDatabase()).url, prefix: `run-${databases.size}` }
    databases.set(dataDirectory, backend)
  }
  return {
    BIWA_DATABASE_URL: backend.url,
    BIWA_OBJECT_STORE: `s3://biwa/${backend.prefix}`,
    BIWA_OBJECT_STORE_ENDPOINT: await endpoint,
    BIWA_OBJECT_STORE_PATH_STYLE: 'true',
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    AWS_REGION: 'us-east-1',
  }
}

async function startObjectStore(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'biwa-s3-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const server = new S3rver({
    directory,
    address: '127.0.0.1',
    port: 0,
    silent: true,
    configureBuckets: [{ name: 'biwa', configs: [] }],
  })
  const { port } = (await server.run()) as AddressInfo
  return `http://127.0.0.1:${port}`
}
