import { writeFileSync } from 'node:fs'

import { openApiText } from '../src/api/openapi.ts'

/** Writes the OpenAPI document that follows from the contract. A test compares them, so that it cannot lie. */
writeFileSync(new URL('../docs/openapi.json', import.meta.url), openApiText())
