// The web SDK in a frame and in a window of a lender's page, which is of another origin.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import test from 'node:test'
import { withPage } from './browser.mjs'
import { Sandbox } from './sandbox.mjs'

/** The origin that `--frame-origin` of the sandbox with a sign-in names: a free port of this machine. */
const LENDER = process.env.MOCKAA_LENDER_URL

/** Serves the page of a lender, which collects the messages that it gets, and opens it. */
async function withLender(page, body, use) {
  const script = 'addEventListener("message", ({ origin, data }) => messages.push({ origin, ...data }))'
  const html = `<!doctype html><html lang="en"><title>Lender</title><h1>Lender</h1>
    <script>const messages = []; ${script}</script>${body}`
  const server = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html))
  server.listen(new URL(LENDER).port, '127.0.0.1')
  await once(server, 'listening')
  try {
    await page.goto(`${LENDER}/`)
    await use()
  } finally {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
}

/** Waits until a message of this type is there, and returns all. */
async function readMessages(page, type) {
  await page.waitForFunction((type) => messages.some((message) => message.type === type), type)
  return page.evaluate(() => messages)
}

function frameOf(url) {
  return `<iframe title="Consent" width="390" height="800" src="${url}"></iframe>`
}

test('a customer gives consent in a frame of the lender, who reads each step', async () => {
  const sandbox = new Sandbox('sdk-frame', process.env.MOCKAA_LOGIN_URL)
  const url = sandbox.baseUrl + (await sandbox.viewPath({ origin: LENDER }))
  await withPage({ width: 'phone' }, async (page) => {
    await withLender(page, frameOf(url), async () => {
      const frame = page.frameLocator('iframe')
      await frame.getByRole('button', { name: 'Send OTP' }).click()
      await frame.getByLabel('One-time password (OTP)').fill('123456')
      await frame.getByRole('button', { name: 'Verify' }).click()
      const accounts = frame.getByRole('checkbox')
      await accounts.first().check()
      const color = await frame.locator('body').evaluate((body) => getComputedStyle(body).backgroundColor)
      assert.equal(color, 'rgb(19, 19, 19)', 'the background of the theme')
      await frame.getByRole('button', { name: 'Give consent' }).click()
      await frame.getByRole('heading', { name: 'You have given your consent' }).waitFor()
      const messages = await readMessages(page, 'complete')
      assert.deepEqual(
        messages.map(({ type, status }) => `${type} ${status}`),
        [
          'ready PENDING',
          'step LOGIN_OTP_GENERATED',
          'step LOGIN_OTP_VERIFIED',
          'step LINKED_ACCOUNTS_SUMMARY',
          'step CONSENT_APPROVED',
          'complete ACTIVE',
        ],
      )
      for (const message of messages) {
        assert.equal(message.source, 'mockaa')
        assert.equal(message.trackingId, 'LOAN-4713')
        assert.equal(message.origin, new URL(sandbox.baseUrl).origin)
      }
      assert.equal(await sandbox.consentStatus(messages[0].consentHandle), 'ACTIVE')
      // The browser denies a frame of another site cookies and storage; the pages need neither.
      assert.deepEqual(await page.context().cookies(), [])
    })
  })
})

test('a window that the lender has opened posts messages to it', async () => {
  const sandbox = new Sandbox('sdk-window', process.env.MOCKAA_LOGIN_URL)
  const url = sandbox.baseUrl + (await sandbox.viewPath({ redirectUrl: `${LENDER}/back` }))
  await withPage({ width: 'desktop' }, async (page) => {
    await withLender(page, '', async () => {
      const [popup] = await Promise.all([page.waitForEvent('popup'), page.evaluate((url) => void open(url), url)])
      await readMessages(page, 'ready')
      await popup.getByRole('link', { name: 'Leave without answering' }).click()
      await popup.getByRole('button', { name: 'Leave' }).click()
      const messages = await readMessages(page, 'exit')
      assert.deepEqual(messages.map(({ type, errorCode }) => [type, errorCode]), [['ready', null], ['exit', 20]])
    })
  })
})

test('a window whose consent a scenario answers informs the lender', async () => {
  const sandbox = new Sandbox('sdk-scenario')
  await sandbox.answerLater('9876543210@mockaa', 'reject')
  const url = sandbox.baseUrl + (await sandbox.viewPath({ redirectUrl: `${LENDER}/back` }))
  await withPage({ width: 'desktop' }, async (page) => {
    await withLender(page, '', async () => {
      const [popup] = await Promise.all([page.waitForEvent('popup'), page.evaluate((url) => void open(url), url)])
      await readMessages(page, 'ready')
      await popup.waitForResponse((answer) => 'x-mockaa-poll' in answer.request().headers())
      await sandbox.call('POST', '/_mockaa/v1/clock/advance', { by: '1h' })
      const messages = await readMessages(page, 'complete')
      assert.deepEqual(
        messages.map(({ type, status }) => `${type} ${status}`),
        ['ready PENDING', 'step LINKED_ACCOUNTS_SUMMARY', 'step CONSENT_DENIED', 'complete REJECTED'],
      )
    })
  })
})

test('a page of another origin gets no message', async () => {
  const sandbox = new Sandbox('sdk-other', process.env.MOCKAA_LOGIN_URL)
  const url = sandbox.baseUrl + (await sandbox.viewPath({ origin: 'https://other.example' }))
  await withPage({ width: 'desktop' }, async (page) => {
    await withLender(page, '', async () => {
      const [popup] = await Promise.all([page.waitForEvent('popup'), page.evaluate((url) => void open(url), url)])
      await popup.waitForLoadState('load')
      const answered = await popup.evaluate(() => document.body.dataset.target)
      assert.equal(answered, 'https://other.example')
      assert.deepEqual(await page.evaluate(() => messages), [])
    })
  })
})

test('a sandbox without --frame-origin is shown in no frame', async () => {
  const sandbox = new Sandbox('sdk-closed')
  const url = sandbox.baseUrl + (await sandbox.viewPath({ origin: LENDER }))
  await withPage({ width: 'phone' }, async (page) => {
    const refusal = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'))
    await withLender(page, frameOf(url), async () => {
      await refusal
      assert.equal(await page.frameLocator('iframe').getByRole('heading', { level: 1 }).count(), 0)
      assert.deepEqual(await page.evaluate(() => messages), [])
    })
  })
})
