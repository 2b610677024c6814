// Each page of the list passes each check, in the combinations that MOCKAA_BROWSER selects.
// MOCKAA_SCREENSHOTS names a folder for pictures of the pages.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { FORCED, withPage } from './browser.mjs'
import { CHECKS, Visit } from './checks.mjs'
import { PAGES, listCombinations } from './pages.mjs'
import { Sandbox } from './sandbox.mjs'

const VISIT_TIMEOUT_MS = 120_000
const mode = process.env.MOCKAA_BROWSER || 'short'
const screenshots = process.env.MOCKAA_SCREENSHOTS

for (const [index, page] of PAGES.entries()) {
  test(page.name, async (t) => {
    const sandbox = new Sandbox(page.name, page.login ? process.env.MOCKAA_LOGIN_URL : process.env.MOCKAA_URL)
    const url = sandbox.baseUrl + (await page.open(sandbox))
    for (const combination of listCombinations(mode, index)) {
      const name = `${page.name}-${combination.width}-${combination.scheme}`
      await t.test(name, { timeout: VISIT_TIMEOUT_MS }, (t) => checkPage(t, name, page, url, combination))
    }
  })
}

function checkPage(t, name, { ready, status, skip: own = {} }, url, combination) {
  const skip = combination.scheme === FORCED ? { ...own, axe: 'the colors are those of the system' } : own
  for (const check of Object.keys(skip)) assert.ok(check in CHECKS, `skip names an unknown check: ${check}`)
  return withPage(combination, async (tab) => {
    // A page that hangs would keep the process alive after the timeout.
    t.signal.addEventListener('abort', () => tab.context().close())
    const visit = new Visit(tab)
    await visit.open(url, ready, status)
    if (screenshots) await tab.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true })
    for (const [check, findProblems] of Object.entries(CHECKS)) {
      await t.test(check, { skip: skip[check] }, async () => {
        const problems = await findProblems(visit)
        assert.ok(problems.length === 0, `${url}\n${problems.join('\n')}`)
      })
    }
  })
}
