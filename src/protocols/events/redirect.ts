import { AppError } from '../../base/errors.ts'
import type { Answer, Call } from './operation.ts'

/**
 * Where `td_redirect` leads, with the visitor's id in it where it asks for that; undefined where there is none. Only to hosts
 * that the operator named: whoever gets an address of ours must not be led anywhere by it. Fails with `invalid_request`.
 */
export function redirection({ query, redirectHosts, visitor }: Call): Answer | undefined {
  const { td_redirect: given } = query
  if (given === undefined || given === '') return undefined
  const target = URL.canParse(given) ? new URL(given) : undefined
  if (target === undefined || !['http:', 'https:'].includes(target.protocol) || !isAllowed(redirectHosts, target)) {
    throw new AppError('invalid_request', 'The parameter `td_redirect` does not lead to a host that is allowed.', {
      hint: 'The setting redirect-hosts of the server names the hosts that it may lead to.',
    })
  }
  if (target.searchParams.has('td_global_id')) target.searchParams.set('td_global_id', visitor.id)
  return { status: 302, headers: { location: target.href }, body: Buffer.alloc(0) }
}

/** Hosts are named as they are, or as all below one: `*.example.com`. */
function isAllowed(hosts: readonly string[], { hostname }: URL): boolean {
  return hosts.some((host) => (host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host))
}
