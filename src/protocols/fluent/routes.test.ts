import { describe, expect, it } from 'vitest'

import { parseConfiguration } from './configuration.ts'
import { routesOf } from './routes.ts'
import { sendersOf } from './senders.ts'

const table = (routes: Parameters<typeof routesOf>[0], tag: string): string => {
  const target = routesOf(routes)(tag)
  return `${target.database}.${target.table}`
}

describe('tags', () => {
  it('name a database and a table, and may go on', () => {
    expect(table([], 'web.access')).toBe('web.access')
    expect(table([], 'web.access.host1.eu')).toBe('web.access')
    expect(table([], 'td.web.access')).toBe('web.access')
    expect(table([], 'td.access')).toBe('td.access')
    expect(table([], 'syslog')).toBe('fluent.syslog')
  })

  it('become names where they are none', () => {
    expect(table([], 'My-App.Access Log')).toBe('my_app.access_log')
    expect(table([], '1.2')).toBe('_1._2')
    for (const tag of ['', '.', 'web.', '.access', 'web.é', '---.x']) {
      expect(() => table([], tag)).toThrow(/names no table/)
    }
  })

  it('go where the first matching route says', () => {
    const routes = [
      { pattern: 'app.*', table: 'logs.app' },
      { pattern: 'app.**', table: 'logs.deep' },
      { pattern: 'kube.**.error', table: 'kube.${tag[1]}_errors' },
      { pattern: '**.audit', table: '${tag[0]}.${tag[-1]}' },
      { pattern: 'front*', table: 'web.front' },
    ]
    expect(table(routes, 'app.a')).toBe('logs.app')
    expect(table(routes, 'app')).toBe('logs.deep')
    expect(table(routes, 'app.a.b')).toBe('logs.deep')
    expect(table(routes, 'kube.pods.x.y.error')).toBe('kube.pods_errors')
    expect(table(routes, 'kube.error')).toBe('kube.error_errors')
    expect(table(routes, 'shop.eu.audit')).toBe('shop.audit')
    expect(table(routes, 'frontend')).toBe('web.front')
    expect(table(routes, 'frontend.a')).toBe('frontend.a')
    expect(table([{ pattern: 'a+b.(c)', table: 'x.y' }], 'a+b.(c)')).toBe('x.y')
  })
})

describe('the configuration file', () => {
  it('has routes, networks and users', () => {
    const parsed = parseConfiguration(`
      [[routes]]
      tags = "app.**"
      table = "logs.\${tag[1]}"
      [[networks]]
      network = "10.0.0.0/8"
      shared_key = "s"
      [[networks.users]]
      name = "a"
      password = "p"
      api_key = "1/abc"
    `)
    expect(parsed).toEqual({
      routes: [{ pattern: 'app.**', table: 'logs.${tag[1]}' }],
      networks: [
        {
          network: '10.0.0.0/8',
          sharedKey: 's',
          apiKey: '',
          users: [{ name: 'a', password: 'p', apiKey: '1/abc' }],
        },
      ],
      users: [],
    })
  })

  it('says what is wrong with it', () => {
    const wrong = [
      ['routes = 1', /routes/],
      ['[[routes]]\ntags = "a"\ntable = "Logs.app"', /routes\.0\.table: is not database\.table/],
      ['[[routes]]\ntags = "a"\ntable = "app"', /is not database\.table/],
      ['[[networks]]\nnetwork = "10.0.0.0/33"\napi_key = "1/a"', /no network/],
      ['[[networks]]\nnetwork = "10.0.0.1"', /needs a shared_key/],
      ['route = []', /route/],
      ['= 5', /./],
    ] as const
    for (const [text, message] of wrong) expect(() => parseConfiguration(text)).toThrow(message)
  })
})

describe('rules for senders', () => {
  const rule = (apiKey: string) => ({ sharedKey: '', apiKey, users: [] })

  it('go by the address, in either way to write one', () => {
    const ruleFor = sendersOf(
      [
        { network: '10.1.0.0/16', ...rule('narrow') },
        { network: '10.0.0.0/8', ...rule('wide') },
        { network: 'fd00::/8', ...rule('six') },
        { network: '127.0.0.1', ...rule('here') },
      ],
      rule('others'),
    )
    expect(ruleFor('10.1.2.3')?.apiKey).toBe('narrow')
    expect(ruleFor('::ffff:10.2.2.3')?.apiKey).toBe('wide')
    expect(ruleFor('fd00::1')?.apiKey).toBe('six')
    expect(ruleFor('::ffff:127.0.0.1')?.apiKey).toBe('here')
    expect(ruleFor('192.168.0.1')?.apiKey).toBe('others')
  })

  it('let nobody else in where there is no key for others', () => {
    const ruleFor = sendersOf([{ network: '10.0.0.0/8', ...rule('a') }], rule(''))
    expect(ruleFor('192.168.0.1')).toBeUndefined()
    expect(ruleFor('')).toBeUndefined()
  })
})
