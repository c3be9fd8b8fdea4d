import { writeFileSync } from 'node:fs'

import { openApiText } from '../src/api/openapi.ts'
import { settingsDocument } from './settings-document.ts'

/** Writes the pages that follow from the code. Tests compare them, so that they cannot lie. */
writeFileSync(new URL('../docs/settings.md', import.meta.url), settingsDocument())
writeFileSync(new URL('../docs/openapi.json', import.meta.url), openApiText())
