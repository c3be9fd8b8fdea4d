import { readFileSync } from 'node:fs'

import { expect, it } from 'vitest'

import { operations } from './contract/operations.ts'
import { openApiDocument, openApiText } from './openapi.ts'

it('docs/openapi.json says what the contract says; npm run docs writes it', () => {
  expect(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')).toBe(openApiText())
})

it('names every operation once', () => {
  const ids = operations.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
})

it('declares exactly the parameters that a path has', () => {
  for (const { path, params } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    expect([path, Object.keys(params?.shape ?? {})]).toEqual([path, inPath])
  }
})

it('defines what it refers to', () => {
  const { components } = openApiDocument() as { components: { schemas: Record<string, unknown> } }
  const referred = [...openApiText().matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name)
  expect(new Set(referred)).toEqual(new Set(Object.keys(components.schemas)))
})
