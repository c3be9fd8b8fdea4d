import { BlockList, isIP } from 'node:net'

/** A user of the handshake, as whom clients send. */
export interface SenderUser {
  readonly name: string
  readonly password: string
  readonly apiKey: string
}

/** What a client has to know, and as whom it then writes. */
export interface SenderRule {
  /** With one, clients have to prove that they know it (a handshake); empty, they send at once. */
  readonly sharedKey: string
  /** The API key of clients that name no user; empty where each has to name one. */
  readonly apiKey: string
  readonly users: readonly SenderUser[]
}

/** A rule for the clients of a network, such as `10.0.0.0/8`, or of one address. */
export interface NetworkRule extends SenderRule {
  readonly network: string
}

/** The rule for the address of a client; undefined where it may not send. */
export type RuleFor = (address: string) => SenderRule | undefined

/** The first network that has the address counts, and then the rule for all others. */
export function sendersOf(networks: readonly NetworkRule[], others: SenderRule): RuleFor {
  const rules = networks.map((rule) => ({ rule, list: listOf(rule.network) }))
  const hasOthers = others.sharedKey !== '' || others.apiKey !== ''
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
    const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4'
    const found = isIP(plain) === 0 ? undefined : rules.find(({ list }) => list.check(plain, family))
    return found?.rule ?? (hasOthers ? others : undefined)
  }
}

/** Throws a sentence where the text is no network. */
export function listOf(network: string): BlockList {
  const [address = '', prefix] = network.split('/')
  const version = isIP(address)
  const bits = prefix === undefined ? undefined : Number(prefix)
  if (version === 0 || (bits !== undefined && !(/^\d+$/.test(prefix ?? '') && bits <= (version === 4 ? 32 : 128)))) {
    throw new Error(`“${network}” is no address and no network such as 10.0.0.0/8`)
  }
  const family = version === 6 ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  if (bits === undefined) list.addAddress(address, family)
  else list.addSubnet(address, bits, family)
  return list
}
