// Headless Chromium: one new profile for each page.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

export const WIDTHS = {
  // A page of 1280 px at 400 % (WCAG 2.2, 1.4.10).
  narrow: { width: 320, height: 256 },
  phone: { width: 390, height: 844 },
  desktop: { width: 1440, height: 900 },
}
export const SCHEMES = ['light', 'dark']

/** The scheme in which the system gives the colors. */
export const FORCED = 'forced'

// Playwright adds the others that a test needs: no first run, no background requests, no component update, no sync.
const FLAGS = ['--disable-gpu', '--disable-quic']

/** Starts the browser. One that dies before it has a page is started once more: that says nothing of the pages. */
async function launch(profile, options) {
  try {
    return await chromium.launchPersistentContext(profile, options)
  } catch (error) {
    console.error(`Chromium is started once more: ${error.message.split('\n')[0]}`)
    return chromium.launchPersistentContext(profile, options)
  }
}

/**
 * Calls `use` with an empty page of a new profile, and removes the profile.
 * `width` is a key of WIDTHS, `scheme` one of SCHEMES or FORCED, `textPercent` the size of text that the reader has chosen.
 */
export async function withPage({ width, scheme = 'light', javaScriptEnabled = true, textPercent = 100 }, use) {
  const profile = await mkdtemp(join(tmpdir(), 'mockaa-browser-'))
  try {
    const context = await launch(profile, {
      executablePath: process.env.MOCKAA_CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      chromiumSandbox: false,
      args: [...FLAGS, `--blink-settings=defaultFontSize=${(16 * textPercent) / 100}`],
      viewport: WIDTHS[width],
      colorScheme: scheme === FORCED ? 'light' : scheme,
      forcedColors: scheme === FORCED ? 'active' : 'none',
      javaScriptEnabled,
      locale: 'en-IN',
      timezoneId: 'Asia/Kolkata',
    })
    try {
      return await use(context.pages()[0] ?? (await context.newPage()))
    } finally {
      await context.close()
    }
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
