import { parse } from 'woothee'

/** Nobody's browser has a longer name, and patterns take longer for longer ones. */
export const userAgentCharactersMax = 1000

/** What Woothee says of a user agent: name, category, os, os_version, version and vendor; "UNKNOWN" where it does not know. */
export function agentOf(userAgent: string): Readonly<Record<string, string>> {
  return parse(userAgent.slice(0, userAgentCharactersMax))
}
