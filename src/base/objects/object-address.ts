import { parseS3Location } from './open-object-store.ts'
import type { ObjectStoreOptions } from './open-object-store.ts'
import { resolve } from 'node:path'

/** Where objects lie for other programs, which know nothing of keys. */
export interface ObjectAddress {
  /** `file:///srv/biwa/objects/<key>` or `s3://bucket/prefix/<key>`; also of a prefix of keys. */
  uriOf(key: string): string
  /** The key behind an address in any of the ways in which programs write it; undefined where it lies elsewhere. */
  keyOf(uri: string): string | undefined
  /** How the bucket is reached; undefined for a directory. */
  readonly s3: { readonly endpoint?: string; readonly region?: string; readonly pathStyle: boolean } | undefined
}

export function objectAddress(
  options: Pick<ObjectStoreOptions, 'location' | 'endpoint' | 'region' | 'pathStyle'>,
): ObjectAddress {
  const { location, endpoint, region, pathStyle = false } = options
  if (!location.includes('://')) {
    const root = `${resolve(location)}/`
    return {
      uriOf: (key) => `file://${root}${key}`,
      keyOf: (uri) => behind(root, uri.replace(/^file:(?:\/\/)?(?=\/)/, '')),
      s3: undefined,
    }
  }
  const { bucket, prefix } = parseS3Location(location)
  const root = `s3://${bucket}/${prefix === '' ? '' : `${prefix}/`}`
  return {
    uriOf: (key) => `${root}${key}`,
    keyOf: (uri) => behind(root, uri.replace(/^s3[an]:/, 's3:')),
    s3: { ...(endpoint !== undefined && { endpoint }), ...(region !== undefined && { region }), pathStyle },
  }
}

function behind(root: string, uri: string): string | undefined {
  return uri.startsWith(root) ? uri.slice(root.length) : undefined
}
