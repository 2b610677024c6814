// The presenter's view of `mockaa demo --web`. MOCKAA_DEMO_URL is the address of the lender.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { withPage } from './browser.mjs'
import { CHECKS } from './checks.mjs'

const demoUrl = process.env.MOCKAA_DEMO_URL
const skip = demoUrl ? false : 'MOCKAA_DEMO_URL is not set'
const screenshots = process.env.MOCKAA_SCREENSHOTS

/** The minutes for which nobody does anything in the test of that; `.ci/long idle` waits for an hour. */
const IDLE_MINUTES = Number(process.env.MOCKAA_IDLE_MINUTES ?? 0)

const WORDS = {
  en: {
    switch: 'English',
    apply: 'Continue',
    go: /^Continue at/,
    send: 'Send OTP',
    verify: 'Verify',
    approve: 'Give consent',
    asked: 'Your consent is needed',
    offer: 'Your offer',
    next: 'Next',
    back: 'Back',
    step: (number) => `Step ${number} of 8`,
    phones: 'Join by phone',
    lender: "The lender's page",
    pages: 'Pages',
    timeline: 'Timeline',
    reset: 'Start over',
    start: 'Apply for a loan',
  },
  hi: {
    switch: 'हिन्दी',
    apply: 'आगे बढ़ें',
    go: /पर आगे बढ़ें$/,
    send: 'ओटीपी भेजें',
    verify: 'पुष्टि करें',
    approve: 'सहमति दें',
    asked: 'आपकी सहमति चाहिए',
    offer: 'आपके लिए प्रस्ताव',
    next: 'आगे',
    back: 'पीछे',
    step: (number) => `चरण 8 में से ${number}`,
    phones: 'फ़ोन से जुड़ें',
    pages: 'पेज',
    timeline: 'टाइमलाइन',
    reset: 'शुरू से करें',
    start: 'लोन के लिए आवेदन करें',
  },
}

async function checkView(page, name) {
  if (screenshots) await page.screenshot({ path: join(screenshots, `present-${name}.png`) })
  assert.deepEqual(await CHECKS.axe({ page }), [])
  assert.deepEqual(await CHECKS.fit({ page }), [])
}

async function follow(page, element) {
  await Promise.all([page.waitForEvent('load'), element.click()])
}

/** Opens the presenter's view, and returns its frames. */
async function openView(page, language, query = '') {
  await page.goto(`${demoUrl}present${query}`)
  await follow(page, page.getByRole('link', { name: WORDS[language].switch, exact: true }))
  return { pages: page.frameLocator('iframe[name="pages"]'), timeline: page.frameLocator('iframe[name="timeline"]') }
}

async function apply(pages, words, api = 'unaport') {
  await pages.locator('#api').selectOption(api)
  await pages.getByRole('button', { name: words.apply, exact: true }).click()
  await pages.getByRole('heading', { level: 1, name: words.asked }).waitFor()
}

/** Answers at the AA, in a frame or on a page. */
async function agree(pages, words) {
  await pages.getByRole('link', { name: words.go }).click()
  await pages.getByRole('button', { name: words.send, exact: true }).click()
  await pages.locator('input[name="otp"]').fill('123456')
  await pages.getByRole('button', { name: words.verify, exact: true }).click()
  await pages.getByRole('checkbox').first().check()
  await pages.getByRole('button', { name: words.approve, exact: true }).click()
}

for (const [language, api] of [['en', 'unaport'], ['en', 'rebit'], ['hi', 'rebit']]) {
  test(`the timeline follows the pages: ${language}, ${api}`, { skip, timeout: 120_000 }, async () => {
    const words = WORDS[language]
    await withPage({ width: 'desktop' }, async (page) => {
      const problems = []
      page.on('pageerror', (error) => problems.push(error.message))
      page.on('response', (answer) => answer.status() >= 400 && problems.push(`${answer.status()} ${answer.url()}`))
      const { pages, timeline } = await openView(page, language)
      await checkView(page, `before-${language}`)
      await apply(pages, words, api)
      await timeline.locator('.badge', { hasText: 'PENDING' }).first().waitFor()
      const handle = page.frame('timeline').url().match(/consents\/([^?]+)/)[1]
      await agree(pages, words)
      // The page in the frame is not loaded again.
      await page.frame('timeline').evaluate(() => (window.isSame = true))
      await timeline.locator('.head .badge', { hasText: 'ACTIVE' }).waitFor()
      assert.ok(await page.frame('timeline').evaluate(() => window.isSame))
      await pages.getByRole('heading', { level: 1, name: words.offer }).waitFor({ timeout: 60_000 })
      const sentence = page.locator('.underneath').last()
      await sentence.getByRole('link', { name: /answered with 200.*\(journal \d+\)/ }).waitFor()
      await checkView(page, `offer-${language}-${api}`)
      await page.reload()
      await pages.getByRole('heading', { level: 1, name: words.offer }).waitFor()
      await timeline.locator('.head .badge', { hasText: 'ACTIVE' }).waitFor()
      assert.ok(page.frame('timeline').url().includes(handle))
      // The sentence leads to its entry in the timeline.
      await sentence.getByRole('link').click()
      await timeline.locator('.open').waitFor()
      for (const element of ['form[method="post"]', 'a[href*="/ui/webhooks"]', 'a[href*="/ui/journal"]', 'a[href*="reveal"]']) {
        assert.equal(await timeline.locator(element).count(), 0, `${element} is the operator's`)
      }
      assert.deepEqual(problems, [])
      await page.getByRole('banner').getByRole('button', { name: words.reset, exact: true }).click()
      await pages.getByRole('heading', { level: 1, name: words.start }).waitFor()
      await page.locator('#pane-timeline .empty').waitFor()
    })
  })
}

for (const language of Object.keys(WORDS)) {
  test(`the tour has eight steps, and stays where it is: ${language}`, { skip }, async () => {
    const words = WORDS[language]
    await withPage({ width: 'desktop', scheme: 'dark' }, async (page) => {
      await openView(page, language)
      const shown = () => page.locator('.tour li:visible')
      for (let step = 1; step <= 8; step += 1) {
        assert.ok((await shown().innerText()).startsWith(words.step(step)), await shown().innerText())
        assert.equal(await shown().count(), 1)
        if (step < 8) await shown().getByRole('link', { name: words.next, exact: true }).click()
      }
      assert.equal(await shown().getByRole('link', { name: words.next, exact: true }).count(), 0)
      await shown().getByRole('link', { name: words.back, exact: true }).click()
      await page.reload()
      assert.ok((await shown().innerText()).startsWith(words.step(7)))
      await checkView(page, `tour-${language}`)
    })
  })
}

test('a narrow screen has the pages and the timeline by turns', { skip }, async () => {
  const words = WORDS.en
  for (const width of ['phone', 'narrow']) {
    await withPage({ width }, async (page) => {
      const { pages } = await openView(page, 'en')
      await apply(pages, words)
      const isVisible = (name) => page.locator(`#pane-${name}`).isVisible()
      assert.deepEqual([await isVisible('pages'), await isVisible('timeline')], [true, false])
      await checkView(page, `${width}-pages`)
      await page.getByText(words.timeline, { exact: true }).first().click()
      assert.deepEqual([await isVisible('pages'), await isVisible('timeline')], [false, true])
      await checkView(page, `${width}-timeline`)
    })
  }
})

test('the code for phones says how to let them in, and two visitors have their own', { skip }, async () => {
  await withPage({ width: 'desktop' }, async (page) => {
    await openView(page, 'en')
    await page.getByRole('button', { name: WORDS.en.phones, exact: true }).click()
    const dialog = page.locator('#phones')
    // The lender of this test listens on loopback.
    assert.match(await dialog.innerText(), /mockaa demo --web --bind 0\.0\.0\.0/)
    await checkView(page, 'phones')
    const other = await fetch(`${demoUrl}present`)
    assert.notEqual(other.url, page.url().split('?')[0])
  })
})

test('a phone plays the customer, and the timeline follows', { skip, timeout: 120_000 }, async () => {
  const words = WORDS.en
  await withPage({ width: 'desktop' }, async (page) => {
    const { pages, timeline } = await openView(page, 'en')
    const visit = page.url().replace(/present.*/, '')
    await withPage({ width: 'phone' }, async (phone) => {
      await phone.goto(visit)
      await apply(phone, words)
      await timeline.locator('.head .badge', { hasText: 'PENDING' }).waitFor()
      await agree(phone, words)
      await timeline.locator('.head .badge', { hasText: 'ACTIVE' }).waitFor()
      await phone.waitForURL(visit, { timeout: 30_000 })
      await phone.getByRole('heading', { level: 1, name: words.offer }).waitFor({ timeout: 60_000 })
    })
    await pages.getByRole('heading', { level: 1, name: words.offer }).waitFor()
  })
})

test('the customer is played, one variation after the other', { skip, timeout: 240_000 }, async () => {
  await withPage({ width: 'desktop' }, async (page) => {
    const { pages } = await openView(page, 'en', '?auto')
    await page.goto(`${page.url().split('?')[0]}?auto`)
    await pages.getByRole('heading', { level: 1, name: WORDS.en.offer }).waitFor({ timeout: 90_000 })
    await page.locator('#step-7:target').waitFor({ timeout: 60_000 })
    await pages.getByRole('heading', { level: 1, name: WORDS.en.start }).waitFor({ timeout: 60_000 })
    await pages.getByRole('heading', { level: 1, name: WORDS.en.asked }).waitFor({ timeout: 60_000 })
    assert.equal(await page.frame('pages').evaluate(() => sessionStorage.getItem('mockaa-round')), '2')
    // Another language goes on playing, and the tour stays.
    const step = () => page.url().split('#')[1]
    await follow(page, page.getByRole('link', { name: WORDS.hi.switch, exact: true }))
    assert.match(page.url(), /\?auto&lang=hi#step-\d$/, step())
  })
})

test('a view that nobody touches goes on where it was', { skip, timeout: (IDLE_MINUTES + 4) * 60_000 }, async () => {
  const words = WORDS.en
  await withPage({ width: 'desktop' }, async (page) => {
    const { pages, timeline } = await openView(page, 'en')
    await apply(pages, words)
    await pages.getByRole('link', { name: words.go }).click()
    await pages.getByRole('button', { name: words.send, exact: true }).waitFor()
    if (IDLE_MINUTES > 0) await page.waitForTimeout(IDLE_MINUTES * 60_000)
    // The page of the AA is shown again. The sign-in may have ended meanwhile; the lender's page leads there again.
    await page.reload()
    await page.waitForFunction(() => frames.pages.location.pathname.includes('/aa/visits/'))
    await page.getByRole('link', { name: words.lender, exact: true }).click()
    await pages.getByRole('heading', { level: 1, name: words.asked }).waitFor()
    await agree(pages, words)
    await timeline.locator('.head .badge', { hasText: 'ACTIVE' }).waitFor()
    await pages.getByRole('heading', { level: 1, name: words.offer }).waitFor({ timeout: 60_000 })
  })
})
