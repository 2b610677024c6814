// Journeys of people through the pages, with the state of the sandbox at their end.

import assert from 'node:assert/strict'
import test from 'node:test'
import { withPage } from './browser.mjs'
import { Sandbox } from './sandbox.mjs'

const TABS_MAX = 50

/** Presses Tab until an element has the focus. */
async function focusByKeyboard(page, element) {
  for (let count = 0; count < TABS_MAX; count += 1) {
    await page.keyboard.press('Tab')
    if (await element.evaluate((node) => node === document.activeElement)) return
  }
  assert.fail(`${element} is not reached by ${TABS_MAX} presses of Tab`)
}

test('a consent is approved by keyboard, on a phone, without JavaScript', async () => {
  const sandbox = new Sandbox('journey-keyboard')
  const handle = await sandbox.raiseConsent()
  assert.equal(await sandbox.consentStatus(handle), 'PENDING')
  await withPage({ width: 'phone', javaScriptEnabled: false }, async (page) => {
    await page.goto(`${sandbox.baseUrl}/ui/consents/${handle}`)
    const approve = page.getByRole('button', { name: /^Approve/ })
    await focusByKeyboard(page, approve)
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')])
    assert.equal(await approve.count(), 0, 'the page of an answered consent has no button Approve')
  })
  assert.equal(await sandbox.consentStatus(handle), 'ACTIVE')
})
