import { UAParser } from 'ua-parser-js'

import { agentOf, userAgentCharactersMax } from '../../base/user-agents.ts'

/** JSON with what is known of a user agent. */
export function agentFields(agent: string): string {
  return JSON.stringify(agentOf(agent))
}

/** JSON with the browser, the system and the device, or of one of them: `ua`, `os`, `device`; one field of it: `os_family`. */
export function userAgentFields(agent: string, part: string): string | null {
  const parser = new UAParser(agent.slice(0, userAgentCharactersMax))
  const { browser, os, device } = { browser: parser.getBrowser(), os: parser.getOS(), device: parser.getDevice() }
  const [major = '', minor = '', patch = ''] = (browser.version ?? '').split('.')
  const [osMajor = '', osMinor = '', osPatch = ''] = (os.version ?? '').split('.')
  const all: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    user_agent: { family: browser.name ?? 'Other', major, minor, patch },
    os: { family: os.name ?? 'Other', major: osMajor, minor: osMinor, patch: osPatch },
    device: { family: [device.vendor, device.model].filter(Boolean).join(' ') || 'Other' },
  }
  if (part === '') return JSON.stringify(all)
  const whole = all[part === 'ua' ? 'user_agent' : part]
  if (whole !== undefined) return JSON.stringify(whole)
  const [found, of = '', field = ''] = /^(ua|os|device)_(family|major|minor|patch)$/.exec(part) ?? []
  return found === undefined ? null : (all[of === 'ua' ? 'user_agent' : of]?.[field] ?? null)
}
