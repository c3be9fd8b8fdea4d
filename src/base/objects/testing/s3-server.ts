import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import S3rver from '@20minutes/s3rver'

/** An S3-compatible server inside this process, with the bucket `biwa` and these keys. */
export interface S3Server {
  readonly endpoint: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  close(): Promise<void>
}

export async function openS3Server(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'biwa-s3-'))
  const server = new S3rver({
    directory,
    address: '127.0.0.1',
    port: 0,
    silent: true,
    configureBuckets: [{ name: 'biwa', configs: [] }],
    // It reckons the signature of whole-bucket requests in path style for another path than the SDK signs.
    allowMismatchedSignatures: true,
  })
  // It makes continuation tokens with a cipher that today's OpenSSL lacks. The older form of the listing has none.
  server.middleware.unshift(async (context, next) => {
    const { 'list-type': version, 'start-after': marker, ...query } = context.query
    if (version === '2') context.query = { ...query, ...(marker !== undefined && { marker }) }
    await next()
  })
  const { port } = (await server.run()) as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    async close() {
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
