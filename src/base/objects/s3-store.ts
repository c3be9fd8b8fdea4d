import { Readable, addAbortSignal } from 'node:stream'

import type { GetObjectCommandOutput, S3Client, S3ClientConfig } from '@aws-sdk/client-s3'

import type { Disk } from '../disk.ts'
import { assert, must } from '../errors.ts'
import type { Randomness } from '../randomness.ts'
import { LocalCache } from './local-cache.ts'
import { assertKey, assertPrefix } from './object-keys.ts'
import type { ByteRange, LocalObject, ObjectCall, ObjectEntry, ObjectStore } from './objects.ts'
import { isMissing, isOutOfRange, reportedS3 } from './s3-failures.ts'
import type { S3Sdk } from './s3-sdk.ts'
import { loadS3Sdk } from './s3-sdk.ts'
import { uploadFile } from './s3-upload.ts'
import type { StallWatch } from './stall-checker.ts'

export interface S3StoreOptions {
  readonly bucket: string
  /** Stands before every key, with a slash in between; may be empty. */
  readonly prefix: string
  /** Where the store is, unless at AWS. */
  readonly endpoint?: string
  readonly region?: string
  readonly forcePathStyle?: boolean
  /** Where absent, the SDK finds them: environment, profile, instance role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** For local copies; see `LocalCacheOptions`. */
  readonly cacheDirectory: string
  readonly cacheBytesMax: number
  readonly disk: Disk
  readonly randomness: Randomness
}

/**
 * An object store in a bucket of S3 or of something that speaks like it. The SDK repeats a request that fails; bodies that
 * break off, silence, and what lasts longer are the business of `steadyStore`.
 */
export async function openS3Store(options: S3StoreOptions): Promise<ObjectStore> {
  const { bucket, prefix, endpoint, region, forcePathStyle, credentials, disk, randomness } = options
  assert(!prefix.startsWith('/') && !prefix.endsWith('/'), 'the prefix neither begins nor ends with a slash')
  const sdk = await loadS3Sdk()
  const config: S3ClientConfig = {
    ...(endpoint !== undefined && { endpoint }),
    // Stores other than AWS rarely care for the region, but the signature needs one.
    ...(region !== undefined ? { region } : endpoint !== undefined && { region: 'us-east-1' }),
    forcePathStyle: forcePathStyle ?? false,
    ...(credentials !== undefined && { credentials }),
    // Many compatible stores refuse the checksums that the SDK adds by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    // How long a request may take has no limit here: the stall checker looks at how long it is silent.
    requestHandler: { connectionTimeout: 5000, requestTimeout: 0, socketTimeout: 0 },
  }
  const cache = await LocalCache.open({
    directory: options.cacheDirectory,
    bytesMax: options.cacheBytesMax,
    disk,
    randomness,
  })
  return new S3Store(sdk, new sdk.S3Client(config), { bucket, prefix, cache, disk, randomness })
}

interface S3StoreParts {
  readonly bucket: string
  readonly prefix: string
  readonly cache: LocalCache
  readonly disk: Disk
  readonly randomness: Randomness
}

class S3Store implements ObjectStore {
  readonly #sdk: S3Sdk
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string
  readonly #cache: LocalCache
  readonly #disk: Disk
  readonly #randomness: Randomness

  constructor(sdk: S3Sdk, client: S3Client, parts: S3StoreParts) {
    this.#sdk = sdk
    this.#client = client
    this.#bucket = parts.bucket
    this.#prefix = parts.prefix === '' ? '' : `${parts.prefix}/`
    this.#cache = parts.cache
    this.#disk = parts.disk
    this.#randomness = parts.randomness
  }

  async put(key: string, body: Uint8Array, { watch }: ObjectCall = {}): Promise<void> {
    const target = this.#address(key)
    watch?.heard(body.byteLength)
    const command = new this.#sdk.PutObjectCommand({ ...target, Body: body })
    await this.#reported(key, () => this.#client.send(command, underWatch(watch)))
    this.#cache.forget(key)
  }

  async putFile(key: string, path: string, { watch }: ObjectCall = {}): Promise<void> {
    const target = this.#address(key)
    await this.#reported(key, () =>
      uploadFile({ sdk: this.#sdk, client: this.#client, watch }, target, this.#disk, path),
    )
    // Who just wrote a chunk is likely to be asked for it: the file becomes the local copy.
    await this.#cache.adopt(key, path)
  }

  async get(key: string, range?: ByteRange, { watch }: ObjectCall = {}): Promise<Buffer> {
    return await this.#reported(key, async () => {
      const blocks: Uint8Array[] = []
      for await (const block of await this.#open(key, range, watch)) blocks.push(block as Uint8Array)
      return Buffer.concat(blocks)
    })
  }

  async stream(key: string, range?: ByteRange, { watch }: ObjectCall = {}): Promise<Readable> {
    const body = await this.#reported(key, () => this.#open(key, range, watch))
    const report = <T>(call: () => Promise<T>) => this.#reported(key, call)
    async function* blocks(): AsyncIterable<Buffer> {
      const iterator = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>
      for (;;) {
        const next = await report(() => iterator.next())
        if (next.done === true) return
        yield next.value
      }
    }
    const readable = Readable.from(blocks(), { objectMode: false })
    // Whoever stops in the middle, or never begins, gives the connection back.
    readable.once('close', () => body.destroy())
    return readable
  }

  async size(key: string, { watch }: ObjectCall = {}): Promise<number | undefined> {
    const target = this.#address(key)
    return await this.#reported(key, async () => {
      try {
        const head = await this.#client.send(new this.#sdk.HeadObjectCommand(target), underWatch(watch))
        return must(head.ContentLength, 'HEAD tells the length')
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    })
  }

  async remove(key: string, { watch }: ObjectCall = {}): Promise<void> {
    const target = this.#address(key)
    await this.#reported(key, () => this.#client.send(new this.#sdk.DeleteObjectCommand(target), underWatch(watch)))
    this.#cache.forget(key)
  }

  async *list(
    prefix: string,
    { watch, after }: ObjectCall & { readonly after?: string } = {},
  ): AsyncIterable<ObjectEntry> {
    assertPrefix(prefix)
    // A page begins behind the last key and not at a continuation token, which would expire while nobody asks.
    let last = after === undefined ? undefined : `${this.#prefix}${after}`
    for (;;) {
      const page = await this.#reported(prefix, () =>
        this.#client.send(
          new this.#sdk.ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: `${this.#prefix}${prefix}`,
            ...(last !== undefined && { StartAfter: last }),
          }),
          underWatch(watch),
        ),
      )
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        last = must(Key, 'a listed object has a key')
        const modifiedMs = must(LastModified, 'a listed object has a time').getTime()
        yield { key: last.slice(this.#prefix.length), bytes: Size ?? 0, modifiedMs }
      }
      if (page.IsTruncated !== true) return
    }
  }

  async materialize(key: string, { watch, bytes }: ObjectCall = {}): Promise<LocalObject> {
    assertKey(key)
    const load = (path: string, shared: StallWatch | undefined) =>
      this.#reported(key, () => this.#download(key, path, shared))
    return await this.#cache.hold(key, load, {
      ...(watch !== undefined && { watch }),
      ...(bytes !== undefined && { bytes }),
    })
  }

  dropLocal(key: string): void {
    this.#cache.forget(key)
  }

  async check({ watch }: ObjectCall = {}): Promise<void> {
    const call = watch === undefined ? {} : { watch }
    const key = `check/${this.#randomness.bytes(8).toString('hex')}`
    await this.put(key, Buffer.from('ok'), call)
    await this.remove(key, call)
  }

  async close(): Promise<void> {
    this.#client.destroy()
    await this.#cache.close()
  }

  async #download(key: string, path: string, watch: StallWatch | undefined): Promise<void> {
    const file = await this.#disk.open(path, 'create')
    try {
      let offset = 0
      for await (const block of await this.#open(key, undefined, watch)) {
        await file.write(block as Uint8Array, offset)
        offset += (block as Uint8Array).byteLength
      }
    } finally {
      await file.close()
    }
  }

  /** The body, which fails when it ends before its announced length, and when the watch is cut. */
  async #open(key: string, range: ByteRange | undefined, watch: StallWatch | undefined): Promise<Readable> {
    const target = this.#address(key)
    if (range !== undefined && range.to <= range.from) {
      await this.#client.send(new this.#sdk.HeadObjectCommand(target), underWatch(watch))
      return Readable.from([])
    }
    const wanted = range === undefined ? {} : { Range: rangeHeader(range) }
    let answer: GetObjectCommandOutput
    try {
      const command = new this.#sdk.GetObjectCommand({ ...target, ...wanted })
      answer = await this.#client.send(command, underWatch(watch))
    } catch (error) {
      // RFC 9110 §15.5.17: a range that begins behind the end. A file would just have nothing to give.
      if (isOutOfRange(error)) return Readable.from([])
      throw error
    }
    const { Body: body, ContentLength: bytes, ContentRange } = answer
    assert(body instanceof Readable, 'in Node a body is a stream')
    if (range !== undefined && ContentRange === undefined) {
      body.destroy()
      throw Object.assign(new Error('the whole object came where a range was asked for'), { code: 'ignored range' })
    }
    const whole = Readable.from(wholeBody(body, bytes, watch), { objectMode: false })
    whole.once('close', () => body.destroy())
    return watch === undefined ? whole : addAbortSignal(watch.signal, whole)
  }

  #address(key: string): { Bucket: string; Key: string } {
    assertKey(key)
    return { Bucket: this.#bucket, Key: `${this.#prefix}${key}` }
  }

  #reported<T>(key: string, call: () => Promise<T>): Promise<T> {
    return reportedS3(this.#bucket, key, call)
  }
}

function rangeHeader({ from, to }: ByteRange): string {
  return `bytes=${from}-${Number.isFinite(to) ? to - 1 : ''}`
}

/** The blocks of a body as they come. One of another length than was announced has broken off. */
async function* wholeBody(
  body: Readable,
  bytes: number | undefined,
  watch: StallWatch | undefined,
): AsyncIterable<Uint8Array> {
  let came = 0
  for await (const block of body as AsyncIterable<Uint8Array>) {
    watch?.heard()
    came += block.byteLength
    yield block
  }
  if (bytes === undefined || came === bytes) return
  throw Object.assign(new Error(`${came} of ${bytes} bytes came`), { code: 'truncated body' })
}

function underWatch(watch: StallWatch | undefined): { abortSignal?: AbortSignal } {
  return watch === undefined ? {} : { abortSignal: watch.signal }
}
