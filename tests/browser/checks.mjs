// Checks of a page that is open in the browser. Each returns its problems as sentences; an empty list passes.

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Limit of all that one page transfers, headers included, without a cache. */
const WEIGHT_BYTES_MAX = 150_000

const LINK_TIMEOUT_MS = 10_000

/** A page with the requests and messages that opening it caused. */
export class Visit {
  requests = []
  consoleMessages = []
  pageErrors = []
  #sizes = []

  constructor(page) {
    this.page = page
    page.on('request', (request) => this.requests.push(request))
    // A stream of events never ends, and is not counted.
    page.on('requestfinished', (request) => this.#sizes.push(readSize(request)))
    page.on('console', (message) => this.consoleMessages.push(message))
    page.on('pageerror', (error) => this.pageErrors.push(error))
  }

  /** Opens the page, and waits until its subresources and the element `ready`, if named, are there. */
  async open(url, ready, status = 200) {
    const answer = await this.page.goto(url, { waitUntil: 'load' })
    if (answer.status() !== status) throw new Error(`GET ${url} is answered with ${answer.status()}, not ${status}`)
    if (ready) await this.page.waitForSelector(ready)
    this.origin = new URL(url).origin
  }

  /** Returns the transferred bytes of each completed request. */
  sizes() {
    return Promise.all(this.#sizes)
  }
}

async function readSize(request) {
  try {
    const { responseBodySize, responseHeadersSize } = await request.sizes()
    return { url: request.url(), bytes: responseBodySize + responseHeadersSize }
  } catch (error) {
    // A request of a page that is live may end while the page is being closed. It is not one of those that are measured.
    if (/has been closed/.test(error.message)) return { url: request.url(), bytes: 0 }
    throw error
  }
}

async function checkTitle({ page }) {
  const title = await page.title()
  return title.trim() === '' ? ['the title is empty'] : []
}

async function checkHeading({ page }) {
  const count = await page.locator('h1').count()
  return count === 1 ? [] : [`the page has ${count} h1 elements, not 1`]
}

/** Looks for what makes the page wider than the window; tables may scroll by themselves. */
async function checkFit({ page }) {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.scrollingElement
    if (scrollWidth <= clientWidth) return []
    const wide = [...document.body.querySelectorAll('*')].filter((element) => element.getBoundingClientRect().right > clientWidth + 1)
    const names = wide.map((element) => `${element.tagName.toLowerCase()}.${element.className.baseVal ?? element.className}`)
    return [`the page is ${scrollWidth} px wide in a window of ${clientWidth} px: ${names.slice(0, 5).join(', ')}`]
  })
}

function checkOrigins({ requests, origin }) {
  return requests
    .map((request) => new URL(request.url()))
    .filter((url) => url.protocol !== 'data:' && url.origin !== origin)
    .map((url) => `a request goes to another origin: ${url}`)
}

function checkConsole({ page, consoleMessages, pageErrors }) {
  const messages = consoleMessages
    .filter((message) => ['error', 'warning'].includes(message.type()))
    // Chromium reports the status of the page itself, if it is an error that the test expects.
    .filter((message) => !(message.location().url === page.url() && message.text().startsWith('Failed to load resource')))
    .map((message) => `console ${message.type()}: ${message.text()} (${message.location().url})`)
  return [...messages, ...pageErrors.map((error) => `error of a script: ${error.stack ?? error}`)]
}

async function checkWeight(visit) {
  const sizes = await visit.sizes()
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
  if (total < WEIGHT_BYTES_MAX) return []
  const list = sizes.map(({ url, bytes }) => `  ${bytes} ${url}`)
  return [`the page transfers ${total} bytes; the limit is ${WEIGHT_BYTES_MAX}`, ...list]
}

/** Returns whether a link or a form that leads to an answer with this status is broken. */
function isBroken(status, isLink) {
  // Forms are sent with POST, so their addresses refuse GET. They exist if it is not with 404.
  return isLink ? status >= 400 : status === 404 || status >= 500
}

/** Calls each address of the sandbox in `href`, `action` and `formaction` once, with GET. */
async function checkLinks({ page, origin }) {
  const addresses = await page.evaluate(() =>
    ['href', 'action', 'formaction'].flatMap((name) =>
      [...document.querySelectorAll(`[${name}]`)].map((element) => [
        new URL(element.getAttribute(name), document.baseURI).href.split('#')[0],
        name === 'href',
      ]),
    ),
  )
  const own = new URL(page.url()).pathname
  const targets = new Map()
  for (const [address, isLink] of addresses) {
    const url = new URL(address)
    // A page leads to itself in other languages, with the status that opening it has shown.
    if (url.origin !== origin || (isLink && url.pathname === own)) continue
    targets.set(address, isLink || targets.get(address) === true)
  }
  const problems = []
  for (const [target, isLink] of targets) {
    try {
      const answer = await fetch(target, { redirect: 'manual', signal: AbortSignal.timeout(LINK_TIMEOUT_MS) })
      await answer.body?.cancel()
      if (isBroken(answer.status, isLink)) problems.push(`GET ${target} is answered with ${answer.status}`)
    } catch (error) {
      problems.push(`GET ${target} is not answered: ${error.cause ?? error}`)
    }
  }
  return problems
}

function describeResults(results) {
  return results.flatMap(({ id, impact, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} (${impact}): ${help}\n  ${target.join(' ')}\n  ${failureSummary.replaceAll('\n', '\n  ')}`),
  )
}

/**
 * Runs axe. What it cannot decide is judged once more, with the element in the middle of the screen: a text below the
 * bar with the buttons has no ground that axe can find, and elsewhere it has. What is undecided then is a problem.
 * Each frame is tested by itself, in place of the rule that asks for it. No other rule is left out: no page has a text on a gradient or a picture, whose contrast axe could not decide anywhere. The
 * texts within a drawing have no ground that axe knows; a test of the sandbox computes the contrast of their colors.
 */
async function checkAxe({ page }) {
  const problems = []
  for (const frame of page.frames()) {
    if (await isShown(frame)) problems.push(...(await checkFrame(frame)))
  }
  return problems
}

/** Returns whether a frame is the page itself, or one that can be seen. */
async function isShown(frame) {
  if (frame.parentFrame() === null) return true
  return frame.url() !== 'about:blank' && (await (await frame.frameElement()).isVisible())
}

async function checkFrame(page) {
  // A script element would need an exception of the page's content security policy.
  await page.evaluate(AXE)
  const { passes, incomplete, violations, undecided } = await page.evaluate(async () => {
    const results = await axe.run({ iframes: false, rules: { 'frame-tested': { enabled: false } }, resultTypes: ['violations', 'incomplete'] })
    const undecided = []
    for (const { id, nodes } of results.incomplete) {
      for (const { target } of nodes) {
        if (id === 'color-contrast' && document.querySelector(target[0]).closest('svg[role="img"]')) continue
        document.querySelector(target[0]).scrollIntoView({ block: 'center', behavior: 'instant' })
        const again = await axe.run({ include: [target] }, { iframes: false, runOnly: [id], resultTypes: ['violations', 'incomplete'] })
        results.violations.push(...again.violations)
        undecided.push(...again.incomplete)
      }
    }
    return { ...results, undecided }
  })
  const problems = describeResults(violations)
  problems.push(...describeResults(undecided).map((result) => `axe cannot decide ${result}`))
  const hasContrast = [...passes, ...incomplete, ...violations].some(({ id }) => id === 'color-contrast')
  return hasContrast ? problems : [...problems, 'axe has not checked the rule color-contrast']
}

/** The checks by name. axe is last, since the page would show the messages of axe as its own. */
export const CHECKS = {
  title: checkTitle,
  heading: checkHeading,
  fit: checkFit,
  origins: checkOrigins,
  console: checkConsole,
  weight: checkWeight,
  links: checkLinks,
  axe: checkAxe,
}
