import { errno } from '../disk.ts'
import { AppError, isAppError } from '../errors.ts'

/** Turns what the SDK and the network say into the codes that every object store has. */
export async function reportedS3<T>(bucket: string, key: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (isAppError(error) || !isOutside(error)) throw error
    if (isMissing(error)) {
      throw new AppError('object_not_found', `The object "${key}" is missing from the bucket "${bucket}".`, {
        hint: 'If objects were removed by hand or by a rule of the bucket, bring them back from a backup.',
        cause: error,
      })
    }
    const what = errno(error) ?? error.name
    throw new AppError('object_store_unavailable', `The bucket "${bucket}" failed with ${what} at "${key}".`, {
      hint: hintFor(error.name, bucket),
      retryAfterSeconds: 5,
      cause: error,
    })
  }
}

/** Whether the failure came from the store, the network or the search for credentials, and not from a bug of ours. */
function isOutside(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  const own = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
  return !own && !error.message.startsWith('assertion failed')
}

function hintFor(name: string, bucket: string): string {
  if (name === 'NoSuchBucket') return `Create the bucket "${bucket}", or name another one.`
  if (/credential|AccessKey|AccessDenied|Signature|Token|Forbidden/i.test(name)) {
    return 'Check the access key and secret, and that they may read, write, list and delete in the bucket.'
  }
  return 'Check that the endpoint of the object store can be reached; Biwa goes on by itself when it can.'
}

/** HEAD has no body to say NoSuchKey in, so it is NotFound there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && (error.name === 'NoSuchKey' || error.name === 'NotFound')
}

export function isOutOfRange(error: unknown): boolean {
  return error instanceof Error && error.name === 'InvalidRange'
}
