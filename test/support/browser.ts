import { existsSync } from 'node:fs'

import { chromium } from 'playwright-core'
import type { BrowserContext } from 'playwright-core'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where this machine has a Chromium; undefined where it has none. */
export const chromiumPath: string | undefined = [process.env['CHROMIUM_PATH'] ?? '', ...places].find(
  (path) => path !== '' && existsSync(path),
)

/** What tests in a browser are called, so that a run without one says what it lacks. */
export function inBrowser(name: string): string {
  return chromiumPath === undefined ? `${name} (no browser here: apt-get install chromium, or CHROMIUM_PATH)` : name
}

/**
 * A browser as a visitor has it, with a profile that is gone afterwards: private windows would refuse cookies of other sites.
 * Certificates are believed, whoever made them, because the servers of tests make their own.
 */
export async function startBrowser(): Promise<BrowserContext> {
  if (chromiumPath === undefined) throw new Error('there is no browser here')
  const args = ['--no-sandbox', '--ignore-certificate-errors']
  return await chromium.launchPersistentContext('', { executablePath: chromiumPath, args })
}
