import { describe, expect, test } from 'vitest'

import { objectAddress } from './object-address.ts'

describe('the address of objects', () => {
  test('in a directory is a file', () => {
    const address = objectAddress({ location: '/srv/my data/objects' })
    expect(address.uriOf('a/b.parquet')).toBe('file:///srv/my data/objects/a/b.parquet')
    expect(address.keyOf('file:///srv/my data/objects/a/b.parquet')).toBe('a/b.parquet')
    expect(address.keyOf('file:/srv/my data/objects/a/b.parquet')).toBe('a/b.parquet')
    expect(address.keyOf('/srv/my data/objects/a/b.parquet')).toBe('a/b.parquet')
    expect(address.keyOf('file:///srv/my data/objects2/a')).toBeUndefined()
    expect(address.keyOf('s3://srv/my data/objects/a')).toBeUndefined()
    expect(address.s3).toBeUndefined()
  })

  test('in a bucket is below its prefix', () => {
    const address = objectAddress({ location: 's3://lake/biwa', endpoint: 'http://127.0.0.1:9000', pathStyle: true })
    expect(address.uriOf('a/b.parquet')).toBe('s3://lake/biwa/a/b.parquet')
    expect(address.keyOf('s3a://lake/biwa/a/b.parquet')).toBe('a/b.parquet')
    expect(address.keyOf('s3://lake/other/a')).toBeUndefined()
    expect(address.s3).toEqual({ endpoint: 'http://127.0.0.1:9000', pathStyle: true })
    expect(objectAddress({ location: 's3://lake' }).uriOf('a')).toBe('s3://lake/a')
  })
})
