import type { Command } from 'commander'

import type { Account } from '../answers.ts'
import { askSecret } from '../ask-secret.ts'
import { Client } from '../client.ts'
import { readLayers } from '../config-layers.ts'
import { normalUrl, resolveConfig } from '../config.ts'
import { saveProfile } from '../save-profile.ts'
import { usage } from '../failure.ts'
import { withConnection, withDatabase } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { tell } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

export function defineLogin(command: Command, terminal: Terminal): void {
  withConnection(withDatabase(command))
    .addHelpText(
      'after',
      '\nThe key is asked for, or read from standard input. The profile is “default” without --profile.',
    )
    .action((flags: CommonOptions) => login(terminal, flags))
}

/** Tries the key before it is kept. */
async function login(terminal: Terminal, flags: CommonOptions): Promise<void> {
  // The profile to be made need not exist, and no key but the given one is of interest.
  const { profile = 'default', ...others } = flags
  const { url } = resolveConfig(await readLayers(terminal, others))
  const address = normalUrl(url.value)
  const apiKey = flags.apiKey ?? (await askSecret(terminal, `API key for ${address}`)).trim()
  if (apiKey === '')
    throw usage('There is no key to keep.', 'biwa key create makes one; the server printed one at its first start.')
  const config = { url, apiKey: { value: apiKey, origin: 'this login' }, database: undefined, passedOver: [] }
  const client = new Client({ config, clock: terminal.clock, randomness: terminal.randomness })
  const account = await client.get<Account>('/account')
  const file = await saveProfile(terminal, profile, { url: address, apiKey, database: flags.database })
  tell(
    terminal,
    `This is account ${account.id} (${account.name}), with a ${account.key.kind} key of its ${account.user.role}.`,
  )
  tell(terminal, `Kept in ${file} as profile “${profile}”.`)
}
