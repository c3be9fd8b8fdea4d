import type { CompletedPart, S3Client } from '@aws-sdk/client-s3'

import type { Disk, DiskFile } from '../disk.ts'
import { assert } from '../errors.ts'
import type { S3Sdk } from './s3-sdk.ts'
import type { StallWatch } from './stall-checker.ts'

/** S3 wants parts of at least 5 MiB and at most 10,000 of them. Each is in memory once while it is sent. */
const partBytesMin = 16 << 20
const partsMax = 9000
const concurrency = 3

/** How long the parts of an upload that failed may take to go away. */
const abortMsMax = 5000

export interface UploadTools {
  readonly sdk: S3Sdk
  readonly client: S3Client
  readonly watch: StallWatch | undefined
}

/** Uploads a file: in one request where it is small, else in parts, each of which the SDK can repeat by itself. */
export async function uploadFile(
  tools: UploadTools,
  target: { readonly Bucket: string; readonly Key: string },
  disk: Disk,
  path: string,
): Promise<void> {
  const file = await disk.open(path, 'read')
  try {
    const bytes = await file.size()
    if (bytes <= partBytesMin) {
      await uploadWhole(tools, target, file, bytes)
    } else {
      await uploadParts(tools, target, file, bytes)
    }
  } finally {
    await file.close()
  }
}

async function uploadWhole(
  { sdk, client, watch }: UploadTools,
  target: { readonly Bucket: string; readonly Key: string },
  file: DiskFile,
  bytes: number,
): Promise<void> {
  const body = await readPart(file, 0, bytes)
  watch?.heard(bytes)
  await client.send(new sdk.PutObjectCommand({ ...target, Body: body }), options(watch))
}

async function uploadParts(
  { sdk, client, watch }: UploadTools,
  target: { readonly Bucket: string; readonly Key: string },
  file: DiskFile,
  bytes: number,
): Promise<void> {
  const partBytes = Math.max(partBytesMin, Math.ceil(bytes / partsMax))
  const count = Math.ceil(bytes / partBytes)
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(target), options(watch))
  const upload = { ...target, UploadId }
  try {
    const parts: CompletedPart[] = []
    let next = 0
    const sendParts = async () => {
      while (next < count) {
        const index = next
        next += 1
        const from = index * partBytes
        const body = await readPart(file, from, Math.min(partBytes, bytes - from))
        // The line is shared with the other parts that are under way.
        watch?.heard(concurrency * partBytes)
        const part = { ...upload, PartNumber: index + 1, Body: body }
        const { ETag } = await client.send(new sdk.UploadPartCommand(part), options(watch))
        parts[index] = { PartNumber: index + 1, ...(ETag !== undefined && { ETag }) }
      }
    }
    await Promise.all(Array.from({ length: concurrency }, sendParts))
    // The commit point: before it the object is not there, whatever was sent.
    const complete = { ...upload, MultipartUpload: { Parts: parts } }
    await client.send(new sdk.CompleteMultipartUploadCommand(complete), options(watch))
  } catch (error) {
    const abortSignal = AbortSignal.timeout(abortMsMax)
    await client.send(new sdk.AbortMultipartUploadCommand(upload), { abortSignal }).catch(() => {})
    throw error
  }
}

/** A file that is shorter than it was would become a chunk that nobody can read. */
async function readPart(file: DiskFile, from: number, bytes: number): Promise<Buffer> {
  const body = await file.read(from, bytes)
  assert(body.byteLength === bytes, 'a file does not change while it is uploaded')
  return body
}

function options(watch: StallWatch | undefined): { abortSignal?: AbortSignal } {
  return watch === undefined ? {} : { abortSignal: watch.signal }
}
