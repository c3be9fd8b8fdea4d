import { parse } from 'smol-toml'
import { z } from 'zod'

import { listOf } from './senders.ts'
import type { NetworkRule, SenderUser } from './senders.ts'
import type { Route } from './routes.ts'

/** What the configuration file of the forward port says. */
export interface FluentConfiguration {
  readonly routes: readonly Route[]
  readonly networks: readonly NetworkRule[]
  /** Of clients that no network has. */
  readonly users: readonly SenderUser[]
}

export const emptyConfiguration: FluentConfiguration = { routes: [], networks: [], users: [] }

const namePattern = /^(?:[a-z0-9_]|\$\{tag\[-?\d+\]\})+\.(?:[a-z0-9_]|\$\{tag\[-?\d+\]\})+$/

const route = z
  .strictObject({
    tags: z.string().min(1),
    table: z.string().regex(namePattern, 'is not database.table, where ${tag[1]} may stand for a part of the tag'),
  })
  .transform(({ tags, table }) => ({ pattern: tags, table }))

const user = z
  .strictObject({ name: z.string().min(1), password: z.string(), api_key: z.string().min(1) })
  .transform(({ api_key: apiKey, ...more }) => ({ ...more, apiKey }))

const network = z
  .strictObject({
    network: z.string().refine(isNetwork, 'is no address and no network such as 10.0.0.0/8'),
    shared_key: z.string().default(''),
    api_key: z.string().default(''),
    users: z.array(user).default([]),
  })
  .refine((rule) => rule.shared_key !== '' || rule.api_key !== '', 'needs a shared_key, an api_key, or both')
  .refine((rule) => rule.shared_key !== '' || rule.users.length === 0, 'needs a shared_key where it has users')
  .transform(({ shared_key: sharedKey, api_key: apiKey, ...more }) => ({ ...more, sharedKey, apiKey }))

const configuration = z.strictObject({
  routes: z.array(route).default([]),
  networks: z.array(network).default([]),
  users: z.array(user).default([]),
})

function isNetwork(text: string): boolean {
  try {
    listOf(text)
    return true
  } catch {
    return false
  }
}

/** Reads the file's text. Throws a sentence that names what is wrong. */
export function parseConfiguration(text: string): FluentConfiguration {
  const parsed = configuration.safeParse(parse(text))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}`)
}
