import { must } from '../base/errors.ts'
import type { Settings } from '../base/settings.ts'

/** How the settings travel from the supervisor, which read and completed them, to the roles. */
const variable = 'BIWA_ROLE_SETTINGS'

export function settingsForRoles(settings: Settings): Record<string, string> {
  return { [variable]: JSON.stringify(settings) }
}

export function settingsOfRole(): Settings {
  return JSON.parse(must(process.env[variable], 'the supervisor passes the settings')) as Settings
}
