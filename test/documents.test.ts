import { readFileSync } from 'node:fs'

import { expect, it } from 'vitest'

import { settingsDocument } from '../scripts/settings-document.ts'

it('docs/settings.md says what the table of settings says; npm run docs writes it', () => {
  expect(readFileSync(new URL('../docs/settings.md', import.meta.url), 'utf8')).toBe(settingsDocument())
})
