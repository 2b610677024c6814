// The pages that are tested, one a line, and the combinations of width and color scheme.

import { FORCED, SCHEMES, WIDTHS } from './browser.mjs'

/** A logo that would show nothing if its script ran. */
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><script>document.documentElement.remove()</script>
  <circle cx="1" cy=".5" r=".5" fill="#b4460c"/></svg>`

/**
 * `open` prepares a new world and returns the path of the page in it.
 * `login` is true if the page is one of a sandbox whose customers sign in.
 * `status` is that of the page, if it is not 200.
 * `ready` is a selector of what a script adds, if the page is complete only then.
 * `skip` names the checks that are left out, each with its reason.
 */
export const PAGES = [
  { name: 'docs', open: () => '/docs' },
  { name: 'start', open: () => '/' },
  { name: 'error', open: () => '/nothing', status: 404 },
  { name: 'console-empty', open: () => '/ui/consents' },
  {
    name: 'console-consents',
    open: async (sandbox) => {
      await sandbox.raiseApprovedConsent()
      await sandbox.raiseConsent()
      const rejected = await sandbox.raiseConsent(['EQUITIES'])
      await sandbox.call('POST', `/_mockaa/v1/consents/${rejected}/reject`)
      return '/ui/consents'
    },
  },
  {
    name: 'console-filtered',
    open: async (sandbox) => {
      await sandbox.raiseConsent()
      return '/ui/consents?q=nobody&state=PAUSED'
    },
  },
  {
    name: 'console-webhooks',
    open: async (sandbox) => {
      const rejected = await sandbox.raiseConsent()
      await sandbox.call('POST', `/_mockaa/v1/consents/${rejected}/reject`)
      return '/ui/webhooks'
    },
  },
  { name: 'console-overview', open: (sandbox) => openAfterRejection(sandbox, () => '/ui') },
  { name: 'console-raise', open: () => '/ui/consents/new' },
  { name: 'console-webhook', open: (sandbox) => openAfterRejection(sandbox, () => '/ui/webhooks/1') },
  { name: 'console-sign-in', open: () => '/ui/session' },
  ...['sent', 'answer', 'bytes', 'difference', 'curl'].map((part) => ({
    name: `console-attempt-${part}`,
    open: async (sandbox) => {
      await attemptWebhook(sandbox)
      return `/ui/webhooks/1?part=${part}`
    },
  })),
  { name: 'console-journal', open: (sandbox) => openAfterRejection(sandbox, () => '/ui/journal') },
  ...['sent', 'formatted', 'answer', 'bytes', 'curl'].map((part) => ({
    name: `console-entry-${part}`,
    open: (sandbox) =>
      openAfterRejection(sandbox, async () => {
        const { items } = await sandbox.call('GET', '/_mockaa/v1/journal?kind=call')
        return `/ui/journal/${items[0].seq}?part=${part}`
      }),
  })),
  { name: 'console-clock', open: (sandbox) => openAfterRejection(sandbox, () => '/ui/clock?since=0') },
  {
    name: 'console-faults',
    open: async (sandbox) => {
      await sandbox.call('PUT', '/_mockaa/v1/faults/mine', { webhooks: [{ fault: { drop: {} } }] })
      return '/ui/faults'
    },
  },
  { name: 'console-scenarios', open: () => '/ui/scenarios?q=webhook' },
  { name: 'console-scenario', open: () => '/ui/scenarios/webhook-lost' },
  { name: 'console-customers', open: () => '/ui/customers' },
  { name: 'console-customer', open: () => '/ui/customers/9876543210%40mockaa' },
  { name: 'console-statement', open: () => '/ui/customers/9876543210%40mockaa/data' },
  { name: 'console-report', open: (sandbox) => openAfterRejection(sandbox, () => '/ui/report') },
  { name: 'console-worlds', open: () => '/ui/worlds' },
  { name: 'consent-pending', open: async (sandbox) => `/ui/consents/${await sandbox.raiseConsent()}` },
  {
    name: 'consent-approved',
    open: async (sandbox) => {
      const handle = await sandbox.raiseApprovedConsent()
      const { items } = await sandbox.call('GET', `/_mockaa/v1/journal?consentHandle=${handle}&kind=call`)
      return `/ui/consents/${handle}?open=${items[0].seq}`
    },
  },
  {
    name: 'consent-by-time',
    open: async (sandbox) => {
      const handle = await attemptWebhook(sandbox)
      const { items } = await sandbox.call('GET', `/_mockaa/v1/journal?consentHandle=${handle}&kind=webhook`)
      return `/ui/consents/${handle}?by=time&part=difference&open=${items[0].seq}`
    },
  },
  {
    name: 'logo',
    open: async (sandbox) => {
      await sandbox.setLogo(LOGO)
      return sandbox.beginVisit(`/aa/consents/${await sandbox.raiseConsent()}`)
    },
    ready: 'img.logo',
  },
  { name: 'visit-ended', open: () => '/aa/visits/0123456789abcdef0123456789abcdef', status: 404 },
  ...['en', 'hi'].flatMap((language) => listVisitPages(language)),
  { name: 'sdk-refused', open: () => '/view?config=e30', status: 400 },
  ...listSdkPages(),
]

/** Rejects a consent, whose webhook is sent to nobody, and returns a path. */
async function openAfterRejection(sandbox, findPath) {
  const rejected = await sandbox.raiseConsent()
  await sandbox.call('POST', `/_mockaa/v1/consents/${rejected}/reject`)
  return findPath()
}

/** Rejects a consent, whose webhook has a spoilt signature and no receiver, and returns its handle. */
async function attemptWebhook(sandbox) {
  // Nothing listens at the port of discarded bytes.
  await sandbox.setFiu({ base_url: 'http://127.0.0.1:9' })
  await sandbox.call('PUT', '/_mockaa/v1/faults/mine', { webhooks: [{ fault: { corrupt_signature: 'flip_bit' } }] })
  const handle = await sandbox.raiseConsent()
  await sandbox.call('POST', `/_mockaa/v1/consents/${handle}/reject`)
  await sandbox.call('POST', '/_mockaa/v1/clock/advance', { by: '1s' })
  return handle
}

/** Returns pages of visits that the web SDK has begun. */
function listSdkPages() {
  const sdkPage = (name, prepare = () => '', fields = {}) => ({
    name: `sdk-${name}`,
    open: async (sandbox) => {
      const visit = await sandbox.beginVisit(await sandbox.viewPath(fields))
      return `${visit}${await prepare(sandbox, visit)}`
    },
  })
  const find = async (sandbox, visit) => {
    await sandbox.submit(`${visit}/accounts`, 'bank=FIP-1&bank=FIP-2')
    return '/accounts/found'
  }
  return [
    sdkPage('review'),
    sdkPage('banks', () => '/accounts'),
    sdkPage('found', find),
    sdkPage('refuse', () => '/refuse'),
    sdkPage('result', async (sandbox, visit) => {
      await sandbox.submit(`${visit}/refuse`, '')
      return '/result'
    }),
    sdkPage('consents', () => '/consents', { theme: { background: '#777777', failureColor: '#00ff00' } }),
    sdkPage('light', () => '', { theme: { accent: '#ffe0f0', primary: '#ffee00', hintText: '#dddddd', border: '#eeeeee' } }),
    sdkPage('plain', find, { theme: { primary: '#0b5c66', errorText: '#ff0000' } }),
  ]
}

/** The name of an FIU that takes several lines. */
const LONG_NAME = 'Shri Venkateshwara Rajarajeshwari Cooperative Housing Finance and Microcredit Corporation of Thiruvananthapuram'

/** Returns the pages of a customer's visit in a language. */
function listVisitPages(language) {
  const name = (page) => `${page}-${language}`
  const visitPage = (page, prepare = () => '') => ({
    name: name(page),
    open: async (sandbox) => {
      const handle = await sandbox.raiseConsent()
      const visit = await sandbox.beginVisit(`/aa/consents/${handle}`)
      return `${visit}${await prepare(sandbox, visit, handle)}?lang=${language}`
    },
  })
  const approve = async (sandbox, handle) => sandbox.call('POST', `/_mockaa/v1/consents/${handle}/approve`)
  return [
    visitPage('review'),
    visitPage('refuse', () => '/refuse'),
    visitPage('leave', () => '/leave'),
    visitPage('result', async (sandbox, visit, handle) => {
      await approve(sandbox, handle)
      return '/result'
    }),
    visitPage('consents', async (sandbox, visit, handle) => {
      await approve(sandbox, handle)
      return '/consents'
    }),
    visitPage('own-consent', async (sandbox, visit, handle) => {
      await approve(sandbox, handle)
      return `/consents/${handle}`
    }),
    visitPage('withdraw', async (sandbox, visit, handle) => {
      await approve(sandbox, handle)
      return `/consents/${handle}/revoke`
    }),
    visitPage('banks', () => '/accounts'),
    visitPage('found', async (sandbox, visit) => {
      await sandbox.submit(`${visit}/accounts`, 'bank=FIP-1&bank=FIP-2')
      return '/accounts/found'
    }),
    visitPage('found-failed', async (sandbox, visit) => {
      await sandbox.setDiscovery({ 'FIP-1': 'none', 'FIP-2': 'error', 'FIP-3': { after: '1h' } })
      await sandbox.submit(`${visit}/accounts`, 'bank=FIP-1&bank=FIP-2&bank=FIP-3')
      return '/accounts/found'
    }),
    {
      name: name('identity'),
      open: async (sandbox) => {
        const handle = await sandbox.raiseConsent(['EQUITIES', 'LIFE_INSURANCE'])
        return `${await sandbox.beginVisit(`/aa/consents/${handle}`)}/accounts?lang=${language}`
      },
    },
    {
      name: name('several'),
      open: async (sandbox) => {
        await sandbox.setFiu({ name: LONG_NAME })
        const handles = [
          await sandbox.raiseConsent(['DEPOSIT', 'TERM_DEPOSIT', 'RECURRING_DEPOSIT'], {
            consentMode: 'VIEW',
            fetchType: 'ONETIME',
            DataLife: { unit: 'DAY', value: 0 },
            DataFilter: [
              { type: 'TRANSACTIONAMOUNT', operator: '>=', value: '150000' },
              { type: 'TRANSACTIONTYPE', operator: '=', value: 'CREDIT' },
            ],
          }),
          await sandbox.raiseConsent(['DEPOSIT'], { DataLife: { unit: 'INF', value: 0 }, Frequency: { unit: 'HOUR', value: 2 } }),
        ]
        return `${await sandbox.beginVisit(await sandbox.redirectionPath(handles))}?lang=${language}`
      },
    },
    { ...visitPage('arrival'), login: true },
    { name: name('mobile'), open: async (sandbox) => `${await sandbox.beginVisit('/aa')}?lang=${language}` },
    {
      name: name('password'),
      open: async (sandbox) => {
        const visit = await sandbox.beginVisit('/aa')
        await sandbox.submit(`${visit}/sign-in`, 'mobile=9876543210')
        return `${visit}?lang=${language}`
      },
    },
  ]
}

/**
 * Returns the combinations of the page with this place in the list. `full` has all of them, and the
 * colors of the system once; `short` has each scheme once, with alternating widths.
 */
export function listCombinations(mode, index) {
  const widths = Object.keys(WIDTHS)
  if (mode === 'full') {
    const all = widths.flatMap((width) => SCHEMES.map((scheme) => ({ width, scheme })))
    return [...all, { width: 'phone', scheme: FORCED }]
  }
  if (mode === 'short') return SCHEMES.map((scheme, place) => ({ width: widths[(index + place) % widths.length], scheme }))
  throw new Error(`unknown value \`${mode}\` of MOCKAA_BROWSER; use \`short\` or \`full\``)
}
