// The checks find what they should: a page with every problem fails each of them, a good page none.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import test from 'node:test'
import { WIDTHS, withPage } from './browser.mjs'
import { CHECKS, Visit } from './checks.mjs'
import { listCombinations } from './pages.mjs'

// A text that a bar covers, until the page is scrolled.
const covered = (color) => `<p style="margin-block: 700px; color: ${color}; background: #fff">A covered text.</p>
  <div style="position: fixed; inset: auto 0 0; block-size: 200px; background: #fff">A bar.</div>`
const GOOD = `<!doctype html><html lang="en"><title>Good</title><main><h1>Good</h1><p>A text with <a href="/other#top">a link</a>
  and <a href="?lang=hi">itself</a>.</p><form method="post" action="/form"><button>Send</button></form>${covered('#222')}</main>`
// `localhost` is another origin than 127.0.0.1.
const bad = (port) => `<!doctype html><html lang="en"><title></title>
  <main><h1>One</h1><h1>Two</h1><p style="color: #bbb; background: #fff">A pale text.</p>
  <p style="color: #777; background: linear-gradient(#fff, #000)">A text on a gradient.</p>${covered('#aaa')}
  <a href="/broken">A link</a> <a href="/missing">Another one</a> <a href="/form">A form</a>
  <form action="/unavailable"><button>Send</button> <button formaction="/gone">Send</button></form>
  <img alt="" src="http://localhost:${port}/image"></main>
  <script src="/heavy"></script>
  <script>console.warn('a warning'); console.error('an error'); throw new Error('a mistake')</script>`
const STRICT = "default-src 'none'; style-src 'unsafe-inline'"

function answerRequest(request, response) {
  const answers = {
    '/good': [200, 'text/html', GOOD, { 'content-security-policy': STRICT }],
    '/bad': [200, 'text/html', bad(request.socket.localPort)],
    '/good?lang=hi': [404, 'text/html', ''],
    '/other': [200, 'text/html', ''],
    '/form': [405, 'text/plain', ''],
    '/heavy': [200, 'text/javascript', `// ${'x'.repeat(160_000)}`],
    '/image': [200, 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    '/broken': [500, 'text/plain', ''],
    '/unavailable': [503, 'text/plain', ''],
  }
  const [status, type, body, headers] = answers[request.url] ?? [404, 'text/plain', '']
  response.writeHead(status, { 'content-type': type, ...headers }).end(body)
}

/** Returns the problems of a page by check. */
async function findProblems(path, ready) {
  const server = createServer(answerRequest).listen(0)
  await once(server, 'listening')
  try {
    return await withPage({ width: 'desktop' }, async (page) => {
      const visit = new Visit(page)
      await visit.open(`http://127.0.0.1:${server.address().port}${path}`, ready)
      const problems = {}
      for (const [name, check] of Object.entries(CHECKS)) problems[name] = await check(visit)
      return problems
    })
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('a page with every problem fails every check', async () => {
  const { title, heading, origins, console, weight, links, axe } = await findProblems('/bad')
  assert.equal(title.length, 1)
  assert.match(heading.join(), /2 h1 elements/)
  assert.match(origins.join(), /localhost:\d+\/image/)
  for (const text of ['a warning', 'an error', 'a mistake']) assert.ok(console.join().includes(text), `${text}: ${console}`)
  assert.match(weight.join(), /transfers 16\d{4} bytes/)
  const answers = { broken: 500, missing: 404, form: 405, unavailable: 503, gone: 404 }
  for (const [path, status] of Object.entries(answers))
    assert.ok(links.join().includes(`/${path} is answered with ${status}`), `${path}: ${links}`)
  for (const rule of ['color-contrast', 'document-title']) assert.ok(axe.join().includes(rule), `${rule}: ${axe}`)
  const about = (text) => axe.filter((problem) => problem.includes(text)).join()
  assert.match(about('#aaaaaa'), /^color-contrast/, 'a covered text is judged where it is not covered')
  assert.match(about('background gradient'), /^axe cannot decide color-contrast/)
})

test('a good page with a strict content security policy passes every check', async () => {
  const problems = await findProblems('/good', 'a')
  assert.deepEqual(problems, Object.fromEntries(Object.keys(CHECKS).map((name) => [name, []])))
})

test('the browser has the width and the color scheme of a combination', async () => {
  for (const { width, scheme } of listCombinations('full', 0)) {
    const actual = await withPage({ width, scheme }, (page) =>
      page.evaluate(() => [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]),
    )
    assert.deepEqual(actual, [WIDTHS[width].width, scheme === 'dark'])
  }
})

test('the short form has each scheme once and alternates widths, the full form has all', () => {
  const names = (mode, index) => listCombinations(mode, index).map(({ width, scheme }) => `${width} ${scheme}`)
  assert.deepEqual(names('short', 0), ['narrow light', 'phone dark'])
  assert.deepEqual(names('short', 1), ['phone light', 'desktop dark'])
  assert.deepEqual(names('short', 2), ['desktop light', 'narrow dark'])
  assert.equal(new Set(names('full', 0)).size, 7)
  assert.throws(() => listCombinations('fast', 0), /unknown value `fast`/)
})
