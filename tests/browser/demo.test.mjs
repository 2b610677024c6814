// The lender of `mockaa demo --web`: its journeys with the pages of the AA, in both languages. MOCKAA_DEMO_URL is its address.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { withPage } from './browser.mjs'
import { CHECKS } from './checks.mjs'

const demoUrl = process.env.MOCKAA_DEMO_URL
const skip = demoUrl ? false : 'MOCKAA_DEMO_URL is not set'
const screenshots = process.env.MOCKAA_SCREENSHOTS

/** The words of the pages of the lender and of the AA in a language. */
const WORDS = {
  en: {
    switch: 'English',
    apply: 'Continue',
    asked: 'Your consent is needed',
    go: /^Continue at/,
    send: 'Send OTP',
    otp: 'One-time password (OTP)',
    verify: 'Verify',
    approve: 'Give consent',
    refuse: 'Refuse',
    sure: 'Refuse',
    back: 'Go back now',
    offer: 'Your offer',
    refused: 'You did not share',
    income: 'Verified income a month',
    reset: 'Start over',
    start: 'Apply for a loan',
  },
  hi: {
    switch: 'हिन्दी',
    apply: 'आगे बढ़ें',
    asked: 'आपकी सहमति चाहिए',
    go: /पर आगे बढ़ें$/,
    send: 'ओटीपी भेजें',
    otp: 'वन-टाइम पासवर्ड (ओटीपी)',
    verify: 'पुष्टि करें',
    approve: 'सहमति दें',
    offer: 'आपके लिए प्रस्ताव',
    income: 'सत्यापित मासिक आय',
    reset: 'शुरू से करें',
    start: 'लोन के लिए आवेदन करें',
  },
}

async function follow(page, element) {
  await Promise.all([page.waitForEvent('load'), element.click()])
}

/** Loads the page again, which changes nothing, and checks its accessibility. */
async function checkPage(page, name, heading) {
  await page.reload()
  assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), heading)
  if (screenshots) await page.screenshot({ path: join(screenshots, `demo-${name}.png`), fullPage: true })
  assert.deepEqual(await CHECKS.axe({ page }), [])
}

/** Applies for a loan, and signs in at the AA. */
async function applyAndSignIn(page, language, variation = 'usual') {
  const words = WORDS[language]
  const button = (text) => page.getByRole('button', { name: text, exact: true })
  await page.goto(demoUrl)
  await follow(page, page.getByRole('link', { name: words.switch, exact: true }))
  await checkPage(page, `form-${language}`, words.start)
  await page.locator('#variation').selectOption(variation)
  await follow(page, button(words.apply))
  await checkPage(page, `asked-${language}`, words.asked)
  const address = page.url()
  await follow(page, page.getByRole('link', { name: words.go }))
  const languageLink = page.getByRole('link', { name: words.switch, exact: true })
  if ((await languageLink.getAttribute('aria-current')) === null) await follow(page, languageLink)
  await follow(page, button(words.send))
  await page.getByLabel(words.otp).fill('123456')
  await follow(page, button(words.verify))
  return address
}

for (const language of Object.keys(WORDS)) {
  test(`a customer gives consent and gets an offer: ${language}`, { skip, timeout: 120_000 }, async () => {
    const words = WORDS[language]
    await withPage({ width: 'phone' }, async (page) => {
      const address = await applyAndSignIn(page, language)
      await page.getByRole('checkbox').first().check()
      await follow(page, page.getByRole('button', { name: words.approve, exact: true }))
      await page.goto(address)
      await page.getByRole('heading', { level: 1, name: words.offer }).waitFor({ timeout: 60_000 })
      await checkPage(page, `offer-${language}`, words.offer)
      const text = await page.locator('main').innerText()
      assert.match(text, new RegExp(`${words.income}\\s+₹ [\\d,]+`))
      assert.ok((await page.getByRole('row').count()) > 5)
      const width = await page.getByRole('img').last().evaluate((image) => image.naturalWidth)
      assert.ok(width > 0, 'the chart is drawn')
      const notes = await page.locator('footer li').allTextContents()
      for (const call of ['POST /FIU/Consents/{org_id} 200', 'webhook /Consent/Notification ACTIVE', 'webhook /FI/Notification COMPLETED']) {
        assert.ok(notes.some((note) => note.startsWith(call)), `${call}: ${notes.join('; ')}`)
      }
      const sheet = await page.request.get(`${address}appraisal.pdf`)
      assert.equal((await sheet.body()).subarray(0, 5).toString(), '%PDF-')
      await follow(page, page.getByRole('button', { name: words.reset, exact: true }))
      await checkPage(page, `again-${language}`, words.start)
    })
  })
}

test('a customer refuses, and the lender does not ask twice', { skip, timeout: 120_000 }, async () => {
  const words = WORDS.en
  await withPage({ width: 'desktop', scheme: 'dark' }, async (page) => {
    const address = await applyAndSignIn(page, 'en')
    await follow(page, page.getByRole('link', { name: words.refuse, exact: true }))
    await follow(page, page.getByRole('button', { name: words.sure, exact: true }))
    await page.goto(address)
    await page.getByRole('heading', { level: 1, name: words.refused }).waitFor({ timeout: 60_000 })
    await checkPage(page, 'refused', words.refused)
    assert.equal(await page.getByRole('link', { name: words.go }).count(), 0)
  })
})

for (const [variation, heading, note] of [
  ['two-banks', 'Your offer', null],
  ['partial-data', 'Your offer', 'Based on 1 of 2 accounts'],
  ['bank-times-out', 'No bank has answered in time', null],
  ['webhooks-lost', 'Your offer', 'The message did not come; we asked and found out.'],
]) {
  test(`a variation is played: ${variation}`, { skip, timeout: 120_000 }, async () => {
    const words = WORDS.en
    await withPage({ width: 'phone' }, async (page) => {
      const address = await applyAndSignIn(page, 'en', variation)
      for (const box of await page.getByRole('checkbox').all()) await box.check()
      await follow(page, page.getByRole('button', { name: words.approve, exact: true }))
      await page.goto(address)
      await page.getByRole('heading', { level: 1, name: heading }).waitFor({ timeout: 90_000 })
      await checkPage(page, variation, heading)
      const notes = await page.locator('.note.plain').allTextContents()
      assert.deepEqual(notes, note ? [note] : [])
      if (variation === 'two-banks') assert.match(await page.locator('main').innerText(), /First Example Bank, X+\d{4} Second Example Bank, X+\d{4}/)
    })
  })
}

test('what is wrong in an application is said, and what was typed stays', { skip }, async () => {
  await withPage({ width: 'phone' }, async (page) => {
    await page.goto(demoUrl)
    for (const [field, value, problem] of [
      ['Mobile number', '12', /ten digits/],
      ['Amount in rupees', '1', /from 25,000 to 25,00,000/],
    ]) {
      await page.goto(demoUrl)
      await page.getByLabel(field).fill(value)
      await follow(page, page.getByRole('button', { name: 'Continue', exact: true }))
      assert.match(await page.getByRole('alert').innerText(), problem)
      assert.equal(await page.getByLabel(field).inputValue(), value)
    }
  })
})

test('a customer who leaves the AA, or is asked too early, goes on where it was', { skip, timeout: 120_000 }, async () => {
  const words = WORDS.en
  await withPage({ width: 'phone' }, async (page) => {
    const address = await applyAndSignIn(page, 'en')
    await page.goto(`${address}back`)
    assert.equal(page.url(), address)
    for (const leave of [async () => {}, () => follow(page, page.getByRole('button', { name: /^Ask .* now$/ }))]) {
      await leave()
      assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), words.asked)
      assert.equal(await page.getByRole('link', { name: words.go }).count(), 1)
    }
    for (const path of ['apply', 'ask', 'reset']) {
      await page.goto(address + path)
      assert.equal(page.url(), address, path)
    }
    const foreign = await page.request.post(`${address}reset`, { headers: { origin: 'http://evil.example' } })
    assert.equal(foreign.status(), 403)
  })
})

test('two visitors have worlds of their own', { skip }, async () => {
  const [one, other] = await Promise.all([fetch(demoUrl), fetch(demoUrl)])
  assert.match(one.url, /\/demo-[a-z2-9]{5}\/$/)
  assert.notEqual(one.url, other.url)
  const unknown = await fetch(new URL('/demo-aaaaa/', demoUrl))
  assert.equal(unknown.status, 404)
  assert.match(await unknown.text(), /This application is over/)
  assert.equal((await fetch(new URL('/robots.txt', demoUrl))).status, 404)
  assert.equal((await fetch(one.url, { method: 'HEAD' })).status, 200)
  const without = await fetch(one.url.slice(0, -1), { redirect: 'manual' })
  assert.equal(without.headers.get('location'), new URL(one.url).pathname)
})
