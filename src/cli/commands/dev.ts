import type { Command } from 'commander'

import { addServerOptions, serverFlags } from './serve.ts'

export function defineDev(command: Command): void {
  addServerOptions(command).action(async (options: Record<string, unknown>) => {
    const { serve } = await import('../../server/serve.ts')
    const flags = serverFlags(options)
    await serve(process.env['BIWA_LOG_LEVEL'] === undefined ? { logLevel: 'info', ...flags } : flags)
  })
}
