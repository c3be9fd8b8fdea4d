import { Option } from 'commander'
import type { Command } from 'commander'

import { fallbackText, settingTable, settingVariable } from '../../base/settings.ts'
import type { SettingName } from '../../base/settings.ts'

const names = Object.keys(settingTable) as SettingName[]

export function defineServe(command: Command): void {
  addServerOptions(command).action(async (options: Record<string, unknown>) => {
    const { serve } = await import('../../server/serve.ts')
    await serve(serverFlags(options))
  })
}

/** One option for each setting of the server. Their values are checked where the settings are read. */
export function addServerOptions(command: Command): Command {
  for (const name of names) {
    const { flag, doc, placeholder, fallback } = { placeholder: undefined, ...settingTable[name] }
    const variable = `${settingVariable(name)}, else ${fallbackText(name) || 'none'}`
    const text = `${doc} (${variable})`
    if (placeholder === undefined) {
      // A switch has both forms; the help shows the one that changes something.
      command.addOption(new Option(`--${flag}`, text).hideHelp(fallback === true))
      command.addOption(new Option(`--no-${flag}`, `Not: ${text}`).hideHelp(fallback !== true))
    } else {
      command.addOption(new Option(`--${flag} ${placeholder}`, text))
    }
  }
  return command
}

/** The flags that were given, by the names of their settings, as texts. */
export function serverFlags(options: Readonly<Record<string, unknown>>): Partial<Record<SettingName, string>> {
  const flags: Partial<Record<SettingName, string>> = {}
  for (const name of names) {
    const value = options[camelCase(settingTable[name].flag)]
    if (typeof value === 'string' || typeof value === 'boolean') flags[name] = `${value}`
  }
  return flags
}

function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
