import { openS3Server } from '../../src/base/objects/testing/s3-server.ts'
import type { S3Server } from '../../src/base/objects/testing/s3-server.ts'
import { openTestDatabase } from './postgres.ts'

/**
 * `BIWA_TEST_BACKEND=external` (npm run test:external) runs the tests of the whole server on a PostgreSQL that the server
 * does not start and on an S3-compatible store: one bucket, and one database per data directory, so that a server that
 * is started again finds its own.
 */
export const external = process.env['BIWA_TEST_BACKEND'] === 'external'

const databases = new Map<string, { url: string; prefix: string }>()
let objectStore: Promise<S3Server> | undefined

export async function externalEnvironment(dataDirectory: string): Promise<Record<string, string>> {
  objectStore ??= openS3Server()
  const { endpoint, credentials } = await objectStore
  let backend = databases.get(dataDirectory)
  if (backend === undefined) {
    backend = { url: (await openTestDatabase()).url, prefix: `run-${databases.size}` }
    databases.set(dataDirectory, backend)
  }
  return {
    BIWA_DATABASE_URL: backend.url,
    BIWA_OBJECT_STORE: `s3://biwa/${backend.prefix}`,
    BIWA_OBJECT_STORE_ENDPOINT: endpoint,
    BIWA_OBJECT_STORE_PATH_STYLE: 'true',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: 'us-east-1',
  }
}
