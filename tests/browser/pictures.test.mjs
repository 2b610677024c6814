// Pictures of the README. MOCKAA_PICTURES names the folder to which they are written; without it, the
// pages are opened and nothing is written.

import { join } from 'node:path'
import test from 'node:test'
import { withPage } from './browser.mjs'
import { Sandbox } from './sandbox.mjs'

const folder = process.env.MOCKAA_PICTURES
const demoUrl = process.env.MOCKAA_DEMO_URL
const skip = demoUrl ? false : 'MOCKAA_DEMO_URL is not set'

/** The consent of a customer whose webhooks are lost or late, in the console. */
test('console', async () => {
  const sandbox = new Sandbox('console-picture')
  await sandbox.setFiu({ name: 'Marigold Loans', color: '#b4460c', accent_color: '#ffe3cf' })
  const { now } = await sandbox.call('GET', '/_mockaa/v1/clock')
  const inDays = (days) => new Date(Date.parse(now) + days * 86_400_000).toISOString()
  const terms = { consentExpiry: inDays(30), FIDataRange: { from: inDays(-365), to: now }, Frequency: { unit: 'DAY', value: 1 } }
  const handle = await sandbox.raiseConsent(['DEPOSIT'], terms, { 'x-mockaa-scenario': 'webhook-lost' })
  await withPage({ width: 'desktop' }, async (page) => {
    await page.goto(`${sandbox.baseUrl}/ui/consents/${handle}`)
    await page.locator('.live .state', { hasText: 'Live' }).waitFor()
    if (folder) await page.screenshot({ path: join(folder, 'console.png') })
  })
})

/** Signs in at the AA, in a frame or on a page. */
async function signIn(pages, words) {
  await pages.getByRole('button', { name: words.apply, exact: true }).click()
  await pages.getByRole('link', { name: words.go }).click()
  await pages.getByRole('button', { name: words.send, exact: true }).click()
  await pages.locator('input[name="otp"]').fill('123456')
  await pages.getByRole('button', { name: words.verify, exact: true }).click()
  await pages.getByRole('checkbox').first().check()
}

/** The presenter's view, while the customer reads what is asked for. */
test('demo', { skip }, async () => {
  await withPage({ width: 'desktop' }, async (page) => {
    await page.setViewportSize({ width: 1440, height: 1000 })
    await page.goto(`${demoUrl}present`)
    const pages = page.frameLocator('iframe[name="pages"]')
    await signIn(pages, { apply: 'Continue', go: /^Continue at/, send: 'Send OTP', verify: 'Verify' })
    await page.goto(`${page.url()}#step-5`)
    await page.locator('.underneath a', { hasText: 'journal' }).waitFor()
    await page.frameLocator('iframe[name="timeline"]').locator('.live .state', { hasText: 'Live' }).waitFor()
    if (folder) await page.screenshot({ path: join(folder, 'demo.png') })
  })
})
