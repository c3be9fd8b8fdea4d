import type { CompletedPart, S3Client } from '@aws-sdk/client-s3'

import type { Disk, DiskFile } from '../disk.ts'
import type { S3Sdk } from './s3-sdk.ts'

/** S3 wants parts of at least 5 MiB and at most 10,000 of them. Each is in memory once while it is sent. */
const partBytesMin = 16 << 20
const partsMax = 9000
const concurrency = 3

/** Uploads a file: in one request where it is small, else in parts, each of which the SDK can repeat by itself. */
export async function uploadFile(
  sdk: S3Sdk,
  client: S3Client,
  target: { readonly Bucket: string; readonly Key: string },
  disk: Disk,
  path: string,
): Promise<void> {
  const file = await disk.open(path, 'read')
  try {
    const bytes = await file.size()
    if (bytes <= partBytesMin) {
      await client.send(new sdk.PutObjectCommand({ ...target, Body: await file.read(0, bytes) }))
    } else {
      await uploadParts(sdk, client, target, file, bytes)
    }
  } finally {
    await file.close()
  }
}

async function uploadParts(
  sdk: S3Sdk,
  client: S3Client,
  target: { readonly Bucket: string; readonly Key: string },
  file: DiskFile,
  bytes: number,
): Promise<void> {
  const partBytes = Math.max(partBytesMin, Math.ceil(bytes / partsMax))
  const count = Math.ceil(bytes / partBytes)
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(target))
  const upload = { ...target, UploadId }
  try {
    const parts: CompletedPart[] = []
    let next = 0
    const sendParts = async () => {
      while (next < count) {
        const index = next
        next += 1
        const body = await file.read(index * partBytes, partBytes)
        const part = { ...upload, PartNumber: index + 1, Body: body }
        const { ETag } = await client.send(new sdk.UploadPartCommand(part))
        parts[index] = { PartNumber: index + 1, ...(ETag !== undefined && { ETag }) }
      }
    }
    await Promise.all(Array.from({ length: concurrency }, sendParts))
    // The commit point: before it the object is not there, whatever was sent.
    await client.send(new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }))
  } catch (error) {
    await client.send(new sdk.AbortMultipartUploadCommand(upload)).catch(() => {})
    throw error
  }
}
