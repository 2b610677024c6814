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
    agreed: 'You have agreed to the second consent.',
    keep: /transactions came\. We may keep them until/,
    withdrew: /^You withdrew your consent on/,
    income: 'Verified income a month',
    reset: 'Start over',
    start: 'Apply for a loan',
    ask: /^Ask .* now$/,
    partial: 'Based on 1 of 2 accounts',
    polled: 'The message did not come; we asked and found out.',
    forged: 'A message with a wrong signature came. It was refused.',
    timeout: 'No bank has answered in time',
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
    agreed: 'आपने दूसरी सहमति दे दी है।',
    keep: /लेन-देन आए। हम इन्हें/,
    withdrew: /को सहमति वापस ले ली/,
    income: 'सत्यापित मासिक आय',
    reset: 'शुरू से करें',
    start: 'लोन के लिए आवेदन करें',
    refuse: 'सहमति न दें',
    sure: 'सहमति न दें',
    refused: 'आपने साझा नहीं किया',
    ask: /से अभी पूछें$/,
    partial: 'आधार: 2 में से 1 बैंक खाते',
    polled: 'संदेश नहीं आया; पूछने पर पता चला।',
    forged: 'गलत हस्ताक्षर वाला एक संदेश आया। उसे अस्वीकार कर दिया गया।',
    timeout: 'किसी बैंक ने समय पर जवाब नहीं दिया',
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
  assert.deepEqual(await CHECKS.fit({ page }), [])
  assert.deepEqual(await CHECKS.axe({ page }), [])
}

/** Applies for a loan, and signs in at the AA. */
async function applyAndSignIn(page, language, { variation = 'usual', api = 'unaport' } = {}) {
  const words = WORDS[language]
  const button = (text) => page.getByRole('button', { name: text, exact: true })
  await page.goto(demoUrl)
  await follow(page, page.getByRole('link', { name: words.switch, exact: true }))
  await checkPage(page, `form-${language}`, words.start)
  await page.locator('#variation').selectOption(variation)
  await page.locator('#api').selectOption(api)
  await follow(page, button(words.apply))
  await checkPage(page, `asked-${language}`, words.asked)
  const address = page.url()
  await goToAa(page, language)
  await signIn(page, language)
  return address
}

async function goToAa(page, language) {
  const words = WORDS[language]
  await follow(page, page.getByRole('link', { name: words.go }))
  const languageLink = page.getByRole('link', { name: words.switch, exact: true })
  if ((await languageLink.getAttribute('aria-current')) === null) await follow(page, languageLink)
}

async function signIn(page, language) {
  const words = WORDS[language]
  const button = (text) => page.getByRole('button', { name: text, exact: true })
  await follow(page, button(words.send))
  await page.getByLabel(words.otp).fill('123456')
  await follow(page, button(words.verify))
}

async function agree(page, language) {
  for (const box of await page.getByRole('checkbox').all()) await box.check()
  await follow(page, page.getByRole('button', { name: WORDS[language].approve, exact: true }))
}

/** The calls of each API on the way to an offer, and the end of the way back. */
const CALLS = {
  unaport: ['POST /FIU/Consents/{org_id} 200', 'webhook /Consent/Notification ACTIVE', 'webhook /FI/Notification COMPLETED'],
  rebit: ['POST /Consent 200', 'webhook /Consent/Notification ACTIVE', 'POST /FI/request 200', 'webhook /FI/Notification COMPLETED', 'POST /FI/fetch 200'],
}

for (const language of Object.keys(WORDS)) {
  for (const api of Object.keys(CALLS)) {
    test(`a customer gives consent and gets an offer: ${language}, ${api}`, { skip, timeout: 120_000 }, async () => {
      const words = WORDS[language]
      await withPage({ width: 'phone' }, async (page) => {
        const address = await applyAndSignIn(page, language, { api })
        await page.getByRole('checkbox').first().check()
        await follow(page, page.getByRole('button', { name: words.approve, exact: true }))
        // The result leads back by itself.
        await page.waitForURL(address, { timeout: 30_000 })
        await page.getByRole('heading', { level: 1, name: words.offer }).waitFor({ timeout: 60_000 })
        await checkPage(page, `offer-${language}-${api}`, words.offer)
        const text = await page.locator('main').innerText()
        assert.match(text, new RegExp(`${words.income}\\s+₹ [\\d,]+`))
        assert.ok((await page.getByRole('row').count()) > 5)
        const width = await page.getByRole('img').last().evaluate((image) => image.naturalWidth)
        assert.ok(width > 0, 'the chart is drawn')
        const notes = await page.locator('footer li').allTextContents()
        for (const call of CALLS[api]) assert.ok(notes.some((note) => note.startsWith(call)), `${call}: ${notes.join('; ')}`)
        if (api === 'rebit') assert.ok(notes.some((note) => note.endsWith('ecres: status S, errorcode 0')), notes.join('; '))
        assert.match(await page.locator('.underneath').innerText(), /\(journal \d+\)$/)
        for (const [format, magic] of [['pdf', '%PDF-'], ['xlsx', 'PK']]) {
          const sheet = await page.request.get(`${address}appraisal.${format}`)
          assert.equal((await sheet.body()).subarray(0, magic.length).toString(), magic)
        }
        await follow(page, page.getByRole('button', { name: words.reset, exact: true }))
        await checkPage(page, `again-${language}`, words.start)
      })
    })
  }
}

/** The APIs with the languages. The short mode has each of them once; the usual variation has all pairs in any case. */
const PAIRS =
  process.env.MOCKAA_BROWSER === 'full'
    ? Object.keys(CALLS).flatMap((api) => Object.keys(WORDS).map((language) => [api, language]))
    : [['unaport', 'en'], ['rebit', 'hi']]

for (const [api, language] of PAIRS) {
  test(`a customer refuses, and the lender does not ask twice: ${api}, ${language}`, { skip, timeout: 120_000 }, async () => {
    const words = WORDS[language]
    await withPage({ width: 'desktop', scheme: 'dark' }, async (page) => {
      const address = await applyAndSignIn(page, language, { api })
      await follow(page, page.getByRole('link', { name: words.refuse, exact: true }))
      await follow(page, page.getByRole('button', { name: words.sure, exact: true }))
      await page.goto(address)
      await page.getByRole('heading', { level: 1, name: words.refused }).waitFor({ timeout: 60_000 })
      await checkPage(page, `refused-${api}`, words.refused)
      assert.equal(await page.getByRole('link', { name: words.go }).count(), 0)
    })
  })

  for (const [variation, heading, note] of [
    ['two-banks', 'offer', null],
    ['partial-data', 'offer', 'partial'],
    ['bank-times-out', 'timeout', null],
    ['webhooks-lost', 'offer', 'polled'],
    ['forged-webhook', 'offer', 'forged'],
  ]) {
    test(`a variation is played: ${variation}, ${api}, ${language}`, { skip, timeout: 120_000 }, async () => {
      const words = WORDS[language]
      await withPage({ width: 'phone' }, async (page) => {
        const address = await applyAndSignIn(page, language, { variation, api })
        await agree(page, language)
        await page.goto(address)
        await page.getByRole('heading', { level: 1, name: words[heading] }).waitFor({ timeout: 90_000 })
        await checkPage(page, `${variation}-${api}`, words[heading])
        const notes = await page.locator('.note.plain').allTextContents()
        assert.deepEqual(notes, note ? [words[note]] : [])
        const calls = await page.locator('footer li').allTextContents()
        const refused = calls.filter((call) => call.includes('refused:'))
        assert.equal(refused.length, variation === 'forged-webhook' ? 1 : 0, calls.join('; '))
        if (variation === 'two-banks') assert.match(await page.locator('main').innerText(), /First Example Bank, X+\d{4}\s+Second Example Bank, X+\d{4}/)
      })
    })
  }
}

for (const [api, language] of PAIRS) {
  test(`a customer withdraws the second consent a month later: ${language}, ${api}`, { skip, timeout: 180_000 }, async () => {
    const words = WORDS[language]
    await withPage({ width: 'phone' }, async (page) => {
      const address = await applyAndSignIn(page, language, { variation: 'revoked-later', api })
      await agree(page, language)
      await page.goto(address)
      await page.getByRole('heading', { level: 1, name: words.offer }).waitFor({ timeout: 60_000 })
      const card = page.locator('section[aria-labelledby="h-monitoring"]')
      await follow(page, card.getByRole('button'))
      await checkPage(page, `monitor-asked-${language}`, words.offer)
      await goToAa(page, language)
      await signIn(page, language)
      await agree(page, language)
      await page.goto(address)
      await card.getByText(words.agreed).waitFor({ timeout: 60_000 })
      await checkPage(page, `monitor-active-${language}`, words.offer)
      const until = () => card.getByText(words.keep).innerText()
      const first = await until()
      await follow(page, card.getByRole('button'))
      await card.getByRole('link').waitFor({ timeout: 60_000 })
      await checkPage(page, `monitor-month-${language}`, words.offer)
      assert.notEqual(await until(), first)
      await follow(page, card.getByRole('link'))
      const languageLink = page.getByRole('link', { name: words.switch, exact: true })
      if ((await languageLink.getAttribute('aria-current')) === null) await follow(page, languageLink)
      await page.locator('input[name="mobile"]').fill('9876543210')
      await signIn(page, language)
      await follow(page, page.locator('.consents a[href*="/consents/"]').first())
      await follow(page, page.locator('a[href$="/revoke"]'))
      await follow(page, page.locator('form[action$="/revoke"] button'))
      await page.goto(address)
      await card.getByText(words.withdrew).waitFor({ timeout: 60_000 })
      await checkPage(page, `monitor-revoked-${language}`, words.offer)
      assert.ok(await until(), 'the page says until when the lender may keep what it has')
      await follow(page, card.getByRole('button'))
      await checkPage(page, `monitor-refused-${language}`, words.offer)
      assert.match(await card.innerText(), api === 'rebit' ? /POST \/FI\/request was answered with 4\d\d: .*REVOKED/ : /the consent is REVOKED/)
      assert.equal(await card.getByRole('button').count(), 0)
      await follow(page, page.getByRole('button', { name: words.reset, exact: true }))
      await checkPage(page, `monitor-again-${language}`, words.start)
    })
  })
}

test('what is wrong in an application is said, and what was typed stays', { skip }, async () => {
  await withPage({ width: 'phone' }, async (page) => {
    await page.goto(demoUrl)
    const height = async () => (await page.getByRole('alert').boundingBox()).height
    for (const [field, value, problem] of [
      ['Mobile number', '12', /ten digits/],
      ['Amount in rupees', '1', /from 25,000 to 25,00,000/],
    ]) {
      await page.goto(demoUrl)
      await page.getByLabel(field).fill(value)
      await follow(page, page.getByRole('button', { name: 'Continue', exact: true }))
      assert.match(await page.getByRole('alert').innerText(), problem)
      assert.equal(await page.getByLabel(field).inputValue(), value)
      assert.ok((await height()) < 100, 'the problem has the width of the page')
    }
  })
})

for (const [api, language] of PAIRS) {
  test(`a customer who leaves the AA, or is asked too early, goes on where it was: ${api}, ${language}`, { skip, timeout: 120_000 }, async () => {
    const words = WORDS[language]
    await withPage({ width: 'phone' }, async (page) => {
      const address = await applyAndSignIn(page, language, { api })
      await page.goto(`${address}back`)
      assert.equal(page.url(), address)
      for (const leave of [async () => {}, () => follow(page, page.getByRole('button', { name: words.ask }))]) {
        await leave()
        assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), words.asked)
        assert.equal(await page.getByRole('link', { name: words.go }).count(), 1)
      }
      for (const path of ['apply', 'ask', 'monitor', 'month', 'again', 'reset']) {
        await page.goto(address + path)
        assert.equal(page.url(), address, path)
      }
      const foreign = await page.request.post(`${address}reset`, { headers: { origin: 'http://evil.example' } })
      assert.equal(foreign.status(), 403)
    })
  })
}

test('what a world did before it was reset does not count', { skip, timeout: 120_000 }, async () => {
  const words = WORDS.en
  await withPage({ width: 'phone' }, async (page) => {
    const address = await applyAndSignIn(page, 'en', { variation: 'bank-times-out', api: 'rebit' })
    await agree(page, 'en')
    await page.goto(address)
    await page.getByRole('heading', { level: 1, name: words.timeout }).waitFor({ timeout: 60_000 })
    await follow(page, page.getByRole('button', { name: words.reset, exact: true }))
    // The same ids occur again.
    await page.locator('#variation').selectOption('webhooks-lost')
    await page.locator('#api').selectOption('rebit')
    await follow(page, page.getByRole('button', { name: words.apply, exact: true }))
    await goToAa(page, 'en')
    await signIn(page, 'en')
    await agree(page, 'en')
    await page.goto(address)
    await page.getByRole('heading', { level: 1, name: words.offer }).waitFor({ timeout: 60_000 })
  })
})

test('two visitors apply at once', { skip, timeout: 120_000 }, async () => {
  await withPage({ width: 'phone' }, (one) =>
    withPage({ width: 'phone' }, async (other) => {
      const visits = [
        { page: one, language: 'en', api: 'unaport' },
        { page: other, language: 'hi', api: 'rebit' },
      ]
      await Promise.all(
        visits.map(async ({ page, language, api }) => {
          const address = await applyAndSignIn(page, language, { api })
          await agree(page, language)
          await page.goto(address)
          await page.getByRole('heading', { level: 1, name: WORDS[language].offer }).waitFor({ timeout: 60_000 })
        }),
      )
      assert.notEqual(one.url(), other.url())
    }),
  )
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
