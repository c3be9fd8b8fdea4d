import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'

import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { chromiumPath, inBrowser, startBrowser } from '../support/browser.ts'
import { openDoors } from '../support/doors.ts'
import type { Doors } from '../support/doors.ts'
import { selfSigned } from '../support/self-signed.ts'
import { recipe } from './recipes.ts'

const sdk = readFileSync(new URL('../../node_modules/td-js-sdk/dist/td.min.js', import.meta.url))

let doors: Doors
let browser: BrowserContext
/** A site of somebody, with the SDK in its page, and the same one over TLS. */
let site: Server
let safeSite: Server
/** What stands before a server that is reached over TLS. */
let proxy: Server
let writeKey: string

const portOf = (server: Server): number => (server.address() as AddressInfo).port
const listening = (server: Server): Promise<void> => new Promise((done) => server.listen(0, '127.0.0.1', done))
const home = (): string => `http://localhost:${portOf(site)}`
const safeHome = (): string => `https://localhost:${portOf(safeSite)}`
/** Of the same site as the safe home: browsers block the cookies of others. */
const safeDoors = (): string => `https://localhost:${portOf(proxy)}`

beforeAll(async () => {
  doors = await openDoors()
  if (chromiumPath === undefined) return
  const certificate = await selfSigned()
  site = createServer(showPage)
  safeSite = createTlsServer(certificate, showPage)
  proxy = createTlsServer(certificate, passOn)
  for (const server of [site, safeSite, proxy]) await listening(server)
  const { access, owner } = doors.parts
  writeKey = (await access.createKey(owner, { kind: 'import', origins: [home(), safeHome()] })).key
  browser = await startBrowser()
})
afterAll(async () => {
  if (chromiumPath !== undefined) {
    await browser.close()
    for (const server of [site, safeSite, proxy]) server.close()
  }
  await doors.close()
})

const page = '<!doctype html><title>Shop</title><script src="/td.js"></script>'

function recipePage(): string {
  const own = {
    'https://cdn.treasuredata.com/sdk/4.4/td.min.js': '/td.js',
    'https://events.example.com/': `${doors.url}/`,
    'YOUR-WRITE-KEY': writeKey,
  }
  return `<!doctype html><title>Recipe</title>${recipe('td-js-sdk', 'html', own)}`
}

function showPage(request: IncomingMessage, response: ServerResponse): void {
  const isScript = request.url === '/td.js'
  response.setHeader('content-type', isScript ? 'application/javascript' : 'text/html')
  response.end(isScript ? sdk : request.url === '/recipe' ? recipePage() : page)
}

function passOn(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const headers = { ...incoming.headers, 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' }
  const onward = httpRequest(doors.url + incoming.url, { method: incoming.method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  incoming.pipe(onward)
}

/** A new visitor's page, with `td` set up in it. */
async function openPage({ address = home(), key = writeKey, endpoint = doors.url } = {}): Promise<Page> {
  await browser.clearCookies()
  const page = await browser.newPage()
  await page.goto(address)
  const settings = { database: 'shop', writeKey: key, endpoint: `${endpoint}/`, host: `localhost:${portOf(proxy)}` }
  await page.evaluate(`globalThis.td = new Treasure(${JSON.stringify(settings)}); undefined`)
  return page
}

/** What the SDK's callbacks are called with. */
function called(page: Page, call: string): Promise<unknown> {
  return page.evaluate(
    `new Promise((done) => { const success = (value) => done({ success: value }); const failure = (error) => done({ failure: String(error) }); td.${call} })`,
  )
}

/** Waits until the table, of which there is nothing at first, has so many rows. */
async function hasRows(database: string, table: string, rows: number): Promise<void> {
  const { store, owner } = doors.parts
  const count = () =>
    store.table(owner.accountId, database, table).then(
      (found) => found.rows,
      () => 0,
    )
  await expect.poll(count, { interval: 100 }).toBe(rows)
}

const kept = { success: { receipts: [{ success: true }] } }

describe.skipIf(chromiumPath === undefined)(inBrowser('td-js-sdk 4 in Chromium'), () => {
  it('adds records, and tracks pages and events', async () => {
    const page = await openPage()
    expect(
      await called(page, `addRecord('clicks', { button: 'buy', price: 12.5, tags: ['a'] }, success, failure)`),
    ).toEqual(kept)
    expect(await called(page, `trackPageview('pageviews', success, failure)`)).toEqual(kept)
    expect(await called(page, `trackEvent('events', { kind: 'scroll' }, success, failure)`)).toEqual(kept)
    for (const table of ['clicks', 'pageviews', 'events']) await hasRows('shop', table, 1)
    expect(await doors.parts.rows('select button, price, tags from shop.clicks')).toEqual([['buy', 12.5, '["a"]']])
    const tracked = `select td_title, td_host, td_path, td_version from shop.pageviews`
    expect(await doors.parts.rows(tracked)).toEqual([['Shop', `localhost:${portOf(site)}`, '/', '4.4.3']])
    expect(await doors.parts.rows('select kind, td_url from shop.events')).toEqual([['scroll', `${home()}/`]])
  })

  it('sends nothing of a visitor who does not want it', async () => {
    const page = await openPage()
    await page.evaluate(`td.blockEvents(); td.trackEvent('visits', { kind: 'blocked' }); td.unblockEvents()`)
    expect(await called(page, `trackEvent('visits', { kind: 'wanted' }, success, failure)`)).toEqual(kept)
    await hasRows('shop', 'visits', 1)
    expect(await doors.parts.rows('select kind from shop.visits')).toEqual([['wanted']])
  })

  it('lets the server fill in what it alone knows, of a visitor who agrees', async () => {
    const page = await openPage({ address: safeHome(), endpoint: safeDoors() })
    await page.evaluate(
      `td.setSignedMode(); td.set('$global', { td_global_id: 'td_global_id', td_ip: 'td_ip' }); undefined`,
    )
    const { success: id } = (await called(page, `fetchGlobalID(success, failure)`)) as { success: string }
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    expect(await called(page, `fetchGlobalID(success, failure, true)`)).toEqual({ success: id })
    const cookies = await browser.cookies(safeDoors())
    expect(cookies.find(({ name }) => name === 'td_global_id')).toMatchObject({
      value: id,
      httpOnly: true,
      secure: true,
      sameSite: 'None',
    })
    expect(await called(page, `addRecord('signed', { a: 1 }, success, failure)`)).toEqual(kept)
    await hasRows('shop', 'signed', 1)
    expect(await doors.parts.rows('select td_global_id, td_ip from shop.signed')).toEqual([[id, '203.0.113.9']])
  })

  it('gets a cookie of its own domain from the server', async () => {
    const page = await openPage({ address: safeHome(), endpoint: safeDoors() })
    await page.evaluate(`td.setSignedMode(); Object.assign(td.client, {
      useServerSideCookie: true, sscDomain: 'localhost', sscServer: 'localhost:${portOf(proxy)}' }); undefined`)
    const { success: id } = (await called(page, `fetchServerCookie(success, failure)`)) as { success: string }
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    for (const again of ['false', 'true']) {
      expect(await called(page, `fetchServerCookie(success, failure, ${again})`)).toEqual({ success: id })
    }
    expect(await page.evaluate('document.cookie')).toContain(`_td_ssc_id=${id}`)
  })

  it('gets an event away while the page is left', async () => {
    const page = await openPage()
    await page.evaluate(`td.addRecord('left', { a: 1 }); location.href = '/other'`)
    await hasRows('shop', 'left', 1)
  })

  it('is told of a wrong key, and of a page that may not use it', async () => {
    const wrong = await openPage({ key: '1/abcdef' })
    expect(await called(wrong, `addRecord('wrong', { a: 1 }, success, failure)`)).toEqual({
      failure: 'Error: Forbidden',
    })
    const elsewhere = await openPage({ address: `http://127.0.0.1:${portOf(site)}` })
    // Of such an answer a page does not even get to know the status.
    expect(await called(elsewhere, `addRecord('wrong', { a: 1 }, success, failure)`)).toEqual({
      failure: 'TypeError: Failed to fetch',
    })
  })
})

describe('recipes', () => {
  it.skipIf(chromiumPath === undefined)(inBrowser('the one for td-js-sdk'), async () => {
    await (await browser.newPage()).goto(`${home()}/recipe`)
    await hasRows('web', 'pageviews', 1)
    expect(await doors.parts.rows('select td_title from web.pageviews')).toEqual([['Recipe']])
  })

  it('the one for postbacks', async () => {
    const { access, owner } = doors.parts
    const { key } = await access.createKey(owner, { kind: 'import' })
    const environment = { ...process.env, BIWA_URL: doors.url, WRITE_KEY: key }
    await promisify(execFile)('bash', ['-euc', recipe('postback', 'bash', {})], { env: environment })
    for (const table of ['clicks', 'opens']) await hasRows('ads', table, 1)
    expect(await doors.parts.rows('select campaign, td_ip from ads.clicks')).toEqual([['7', '127.0.0.1']])
    expect(await doors.parts.rows('select campaign from ads.opens')).toEqual([['7']])
  })
})

describe.skipIf(chromiumPath === undefined)(inBrowser('a script of td-js-sdk 1 and 2 in Chromium'), () => {
  it('calls the page back', async () => {
    const page = await openPage()
    const data = Buffer.from(JSON.stringify({ td_title: 'Shöp', td_browser: 'td_browser' })).toString('base64')
    const query = new URLSearchParams({ api_key: writeKey, modified: '1', data, callback: 'TreasureJSONPCallback0' })
    const answered = await page.evaluate(`new Promise((done, failed) => {
      globalThis.TreasureJSONPCallback0 = done
      const script = document.createElement('script')
      script.onerror = () => failed(new Error('the script did not load'))
      script.src = '${doors.url}/js/v3/event/shop/scripts?${query.toString()}'
      document.head.append(script)
    })`)
    expect(answered).toEqual({ created: true })
    await hasRows('shop', 'scripts', 1)
    expect(await doors.parts.rows('select td_title, td_browser from shop.scripts')).toEqual([['Shöp', 'Chrome']])
  })
})

it('meet no bug', () => expect(doors.bugs).toEqual([]))
