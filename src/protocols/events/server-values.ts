import woothee from 'woothee'

/** What the server knows of a request, for the fields that ask for it. */
export interface Sender {
  readonly address: string
  readonly userAgent: string | undefined
  /** Makes an id for a visitor who has none, whom the answer then tells. */
  readonly globalId: () => string
}

/** The fields that a server fills in, by the names that the SDKs give them. */
export function serverValue(sender: Sender, name: string): string | null | undefined {
  switch (name) {
    case 'td_ip':
      return sender.address
    case 'td_ua':
      return sender.userAgent ?? null
    case 'td_global_id':
      return sender.globalId()
    case 'td_browser':
      return agentOf(sender)?.name ?? null
    case 'td_browser_version':
      return agentOf(sender)?.version ?? null
    case 'td_os':
      return agentOf(sender)?.os ?? null
    case 'td_os_version':
      return agentOf(sender)?.os_version ?? null
    default:
      return undefined
  }
}

/** Nobody's browser has a longer name, and patterns take longer for longer ones. */
const userAgentCharactersMax = 1000

function agentOf({ userAgent }: Sender) {
  return userAgent === undefined ? undefined : woothee.parse(userAgent.slice(0, userAgentCharactersMax))
}
