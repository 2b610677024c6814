// Pictures of the README. MOCKAA_PICTURES names the folder to which they are written; without it, the
// pages are opened and nothing is written.

import { join } from 'node:path'
import test from 'node:test'
import { withPage } from './browser.mjs'
import { Sandbox } from './sandbox.mjs'

const folder = process.env.MOCKAA_PICTURES

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

const PICTURES = [
  { name: 'customer-consent', language: 'en', scheme: 'light' },
  { name: 'customer-consent-hindi', language: 'hi', scheme: 'dark' },
]

for (const { name, language, scheme } of PICTURES) {
  test(name, async () => {
    const sandbox = new Sandbox(name, process.env.MOCKAA_LOGIN_URL)
    await sandbox.setFiu({ name: 'Marigold Loans', color: '#b4460c', accent_color: '#ffe3cf' })
    const { now } = await sandbox.call('GET', '/_mockaa/v1/clock')
    const inDays = (days) => new Date(Date.parse(now) + days * 86_400_000).toISOString()
    const handle = await sandbox.raiseConsent(['DEPOSIT', 'TERM_DEPOSIT'], {
      consentExpiry: inDays(30),
      fetchType: 'ONETIME',
      FIDataRange: { from: inDays(-365), to: now },
      Purpose: {
        code: '103',
        refUri: 'https://api.rebit.org.in/aa/purpose/103.xml',
        text: 'To assess your application for a personal loan',
        Category: { type: 'Personal Finance' },
      },
    })
    const visit = await sandbox.beginVisit(`/aa/consents/${handle}`)
    await sandbox.submit(`${visit}/sign-in`, '')
    await sandbox.submit(`${visit}/otp`, 'otp=123456')
    await withPage({ width: 'phone', scheme }, async (page) => {
      await page.goto(`${sandbox.baseUrl}${visit}?lang=${language}`)
      await page.getByRole('checkbox').first().check()
      if (folder) await page.screenshot({ path: join(folder, `${name}.png`) })
    })
  })
}
