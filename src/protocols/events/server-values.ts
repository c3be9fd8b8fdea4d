import { agentOf } from '../../base/user-agents.ts'

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
      return agentValue(sender, 'name')
    case 'td_browser_version':
      return agentValue(sender, 'version')
    case 'td_os':
      return agentValue(sender, 'os')
    case 'td_os_version':
      return agentValue(sender, 'os_version')
    default:
      return undefined
  }
}

/** Of the sender's browser; null where it says nothing of itself. */
function agentValue({ userAgent }: Sender, name: string): string | null {
  return userAgent === undefined ? null : (agentOf(userAgent)[name] ?? null)
}
