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

/** Clicks a button or a link, and waits for the page to which it leads. */
async function follow(page, element) {
  await Promise.all([page.waitForEvent('load'), element.click()])
}

test('the operator approves by keyboard, on a phone, without JavaScript', async () => {
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

/** The words of the buttons and pages in a language. */
const WORDS = {
  en: {
    switch: 'English',
    send: 'Send OTP',
    otp: 'One-time password (OTP)',
    verify: 'Verify',
    wrong: 'That OTP is not right. Tries left: 2',
    pick: 'Choose at least one account',
    add: 'Add an account of another bank',
    search: 'Search for a bank',
    seek: 'Search',
    find: 'Find my accounts',
    link: 'Link selected accounts',
    approve: 'Give consent',
    done: 'You have given your consent',
    mine: 'My consents',
    withdraw: 'Withdraw consent',
    sure: 'Yes, withdraw',
  },
  hi: {
    switch: 'हिन्दी',
    send: 'ओटीपी भेजें',
    otp: 'वन-टाइम पासवर्ड (ओटीपी)',
    verify: 'पुष्टि करें',
    wrong: 'यह ओटीपी सही नहीं है। बचे हुए प्रयास: 2',
    pick: 'कम से कम एक खाता चुनें',
    add: 'किसी दूसरे बैंक का खाता जोड़ें',
    search: 'बैंक खोजें',
    seek: 'खोजें',
    find: 'मेरे खाते खोजें',
    link: 'चुने हुए खाते जोड़ें',
    approve: 'सहमति दें',
    done: 'आपकी सहमति दर्ज हो गई है',
    mine: 'मेरी सहमतियाँ',
    withdraw: 'सहमति वापस लें',
    sure: 'हाँ, वापस लें',
  },
}

for (const [language, words] of Object.entries(WORDS)) {
  for (const javaScriptEnabled of [true, false]) {
    const name = `${language}${javaScriptEnabled ? '' : '-without-js'}`
    test(`a customer signs in, links an account, gives consent and withdraws it: ${name}`, async () => {
      const sandbox = new Sandbox(`journey-${name}`, process.env.MOCKAA_LOGIN_URL)
      const handle = await sandbox.raiseConsent()
      await withPage({ width: 'phone', javaScriptEnabled }, async (page) => {
        const button = (text) => page.getByRole('button', { name: text, exact: true })
        const link = (text) => page.getByRole('link', { name: text, exact: true })
        await page.goto(`${sandbox.baseUrl}/aa/consents/${handle}`)
        await follow(page, link(words.switch))
        await follow(page, button(words.send))
        const otp = page.getByLabel(words.otp)
        await otp.fill('999999')
        await follow(page, button(words.verify))
        assert.ok(await link(words.wrong).isVisible())
        await otp.fill('123 456')
        await follow(page, button(words.verify))

        await follow(page, link(words.add))
        await page.getByRole('searchbox', { name: words.search }).fill('second')
        await follow(page, button(words.seek))
        await page.getByLabel('Second Example Bank').check()
        await follow(page, button(words.find))
        await page.getByRole('checkbox').first().check()
        await follow(page, button(words.link))
        await otp.fill('1234')
        await follow(page, button(words.verify))

        assert.equal(await page.getByRole('checkbox', { checked: true }).count(), 0, 'nothing is ticked')
        await follow(page, button(words.approve))
        assert.ok(await link(words.pick).isVisible())
        assert.equal(await sandbox.consentStatus(handle), 'PENDING')
        await page.getByRole('checkbox').last().check()
        await follow(page, button(words.approve))
        assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), words.done)
        assert.equal(await sandbox.consentStatus(handle), 'ACTIVE')

        await follow(page, link(words.mine))
        await follow(page, page.locator(`a[href$="${handle}"]`))
        await follow(page, link(words.withdraw))
        await follow(page, button(words.sure))
        assert.equal(await sandbox.consentStatus(handle), 'REVOKED')
      })
    })
  }
}

test('a form of a page that was open before a restart is refused, and says what to do', async () => {
  const sandbox = new Sandbox('journey-token')
  const handle = await sandbox.raiseConsent()
  await withPage({ width: 'desktop' }, async (page) => {
    await page.goto(`${sandbox.baseUrl}/ui/consents/${handle}`)
    await page.evaluate(() => document.querySelectorAll('input[name=csrf]').forEach((input) => input.setAttribute('value', '0123')))
    await follow(page, page.getByRole('button', { name: 'Approve' }))
    assert.match(await page.textContent('main'), /nothing was done; open the page again/)
  })
  assert.equal(await sandbox.consentStatus(handle), 'PENDING')
})

test('two tabs: the second answer is not given, and the page shows the first', async () => {
  const sandbox = new Sandbox('journey-tabs')
  const handle = await sandbox.raiseConsent()
  await withPage({ width: 'phone' }, async (page) => {
    const other = await page.context().newPage()
    for (const tab of [page, other]) await tab.goto(`${sandbox.baseUrl}/aa/consents/${handle}`)
    await follow(page, page.getByRole('link', { name: 'Refuse' }))
    await follow(page, page.getByRole('button', { name: 'Refuse' }))
    await follow(other, other.getByRole('button', { name: 'Give consent' }))
    assert.match(await other.textContent('h1'), /You have refused/)
    await page.goBack()
    await page.reload()
    assert.match(await page.textContent('h1'), /You have refused/)
  })
  assert.equal(await sandbox.consentStatus(handle), 'REJECTED')
})

test('a bank that answers later appears by itself, and is announced', async () => {
  const sandbox = new Sandbox('journey-slow-bank')
  await sandbox.setDiscovery({ 'FIP-1': { after: '2s' }, 'FIP-2': 'error' })
  const handle = await sandbox.raiseConsent()
  await withPage({ width: 'phone' }, async (page) => {
    await page.goto(`${sandbox.baseUrl}/aa/consents/${handle}`)
    await follow(page, page.getByRole('link', { name: 'Add an account of another bank' }))
    for (const bank of ['First Example Bank', 'Second Example Bank']) await page.getByLabel(bank).check()
    await follow(page, page.getByRole('button', { name: 'Find my accounts' }))
    await page.getByText('Asking First Example Bank').waitFor()
    await page.getByText(/^First Example Bank: /).first().waitFor()
    assert.match(await page.locator('#heard').textContent(), /^First Example Bank: /)
    assert.equal(await page.getByText('See whether the bank has answered').count(), 0)
    await sandbox.call('DELETE', '/_mockaa/v1/faults/discovery')
    await follow(page, page.getByRole('button', { name: 'Ask Second Example Bank again' }))
    await page.getByText(/^Second Example Bank: /).waitFor()
  })
})

test('a bank that answers later appears on a page that was refused, too', async () => {
  const sandbox = new Sandbox('journey-slow-bank-refused')
  await sandbox.setDiscovery({ 'FIP-1': { after: '3s' } })
  await sandbox.call('POST', '/_mockaa/v1/customers/9876543210@mockaa/register')
  const handle = await sandbox.raiseConsent()
  await withPage({ width: 'phone' }, async (page) => {
    await page.goto(`${sandbox.baseUrl}/aa/consents/${handle}`)
    await follow(page, page.getByRole('link', { name: 'Find my accounts' }).first())
    for (const bank of ['First Example Bank', 'Second Example Bank']) await page.getByLabel(bank).check()
    await follow(page, page.getByRole('button', { name: 'Find my accounts' }))
    await follow(page, page.getByRole('button', { name: 'Link selected accounts' }))
    await page.getByRole('link', { name: 'Choose at least one account' }).waitFor()
    await page.getByText('Asking First Example Bank').waitFor()
    await page.getByText(/^First Example Bank: /).first().waitFor()
    assert.match(page.url(), /\/accounts\/link$/, 'what the customer has done is still there')
  })
})

test('the page shows what a scenario answers in place of the customer', async () => {
  const sandbox = new Sandbox('journey-scenario')
  await sandbox.answerLater('9876543210@mockaa', 'reject')
  const handle = await sandbox.raiseConsent()
  await withPage({ width: 'phone' }, async (page) => {
    await page.goto(`${sandbox.baseUrl}/aa/consents/${handle}`)
    await page.getByText('A scenario answers for the customer.').waitFor()
    await sandbox.call('POST', '/_mockaa/v1/clock/advance', { by: '1h' })
    await page.getByText('You have refused. Nothing was shared.').waitFor()
  })
})

test('the wait for another password counts down, and says when it is over', async () => {
  const sandbox = new Sandbox('journey-resend', process.env.MOCKAA_LOGIN_URL)
  const handle = await sandbox.raiseConsent()
  await withPage({ width: 'phone' }, async (page) => {
    await page.clock.install()
    await page.goto(`${sandbox.baseUrl}/aa/consents/${handle}`)
    await follow(page, page.getByRole('button', { name: 'Send OTP' }))
    await page.getByText(/You can ask for a new OTP in \d+ seconds/).waitFor()
    await follow(page, page.getByRole('button', { name: 'Send a new OTP' }))
    await page.getByRole('alert').getByRole('link', { name: 'You can ask for a new OTP in' }).click()
    assert.equal(await page.getByLabel('One-time password (OTP)').getAttribute('aria-invalid'), null)
    const seconds = page.locator('[data-countdown]')
    const first = Number(await seconds.textContent())
    await page.clock.fastForward('00:10')
    await page.waitForFunction((first) => Number(document.querySelector('[data-countdown]').textContent) <= first - 10, first)
    assert.equal(await seconds.getAttribute('aria-live'), 'off')
    await page.clock.fastForward('00:20')
    await page.getByText('You can ask for a new OTP now.').waitFor()
  })
})

test('a customer is warned before the visit ends, and can stay', async () => {
  const sandbox = new Sandbox('journey-session', process.env.MOCKAA_LOGIN_URL)
  const handle = await sandbox.raiseConsent()
  await withPage({ width: 'phone' }, async (page) => {
    await page.clock.install()
    await page.goto(`${sandbox.baseUrl}/aa/consents/${handle}`)
    const warning = page.getByText('You will be signed out in 60 seconds.')
    await page.clock.fastForward('13:55')
    assert.equal(await warning.isVisible(), false)
    await page.clock.fastForward('00:10')
    await warning.waitFor()
    await page.getByRole('button', { name: 'Stay signed in' }).click()
    await warning.waitFor({ state: 'hidden' })
    await page.clock.fastForward('14:01')
    await warning.waitFor()
    await Promise.all([page.waitForEvent('load'), page.clock.fastForward('01:05')])
    assert.match(await page.textContent('h1'), /Sign in to/)
  })
})
