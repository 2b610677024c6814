// The customer's pages: banks and scenarios that answer later, the warning before a visit ends, and countdowns. Without this script
// the pages work by links and forms.

const POLL_MS = 1000
const WARNING_MS = 60_000

/** The address of this page; the browser's may be that of a form that was refused. */
const address = document.body.dataset.page

/**
 * Asks for this page again and again, until `show` gets one for which it returns true. The header says that the
 * answer is not shown: it neither keeps the visit from ending nor informs the page of the lender.
 */
function pollPage(show) {
  async function update() {
    const headers = { accept: 'text/html', 'x-mockaa-poll': 'true' }
    const answer = await fetch(address, { headers }).catch(() => null)
    if (answer?.redirected || answer?.status === 404) location.assign(address)
    else if (!answer?.ok || !show(await parsePage(answer))) setTimeout(update, POLL_MS)
  }
  setTimeout(update, POLL_MS)
}

async function parsePage(answer) {
  return new DOMParser().parseFromString(await answer.text(), 'text/html')
}

/** Shows the answer of each bank in its place, as it comes. */
function followBanks() {
  const form = document.querySelector('form[data-banks]')
  const heard = document.getElementById('heard')
  if (!form?.querySelector('[data-waiting]')) return
  form.querySelector('[data-again]').hidden = true
  pollPage((page) => {
    if (!page.querySelector('form[data-banks]')) {
      location.assign(address)
      return true
    }
    const news = []
    for (const waiting of form.querySelectorAll('[data-waiting]')) {
      const bank = page.querySelector(`[data-bank="${CSS.escape(waiting.dataset.bank)}"]`)
      if (bank?.textContent === waiting.textContent) continue
      if (bank) news.push(bank.querySelector('[data-answer]').textContent)
      // A bank that was left out in another tab goes away.
      waiting.replaceWith(bank ?? '')
    }
    if (news.length > 0) heard.textContent = news.join(' ')
    if (form.querySelector('[data-waiting]')) return false
    form.querySelector('[data-again]').remove()
    form.querySelector('[data-next]').replaceWith(page.querySelector('[data-next]'))
    return true
  })
}

/** Shows what a scenario has answered in place of the customer, or how far a lender has come. */
function followProgress() {
  const shown = document.querySelector('[data-follows]')?.dataset.follows
  if (shown === undefined) return
  pollPage((page) => {
    if (page.querySelector('[data-follows]')?.dataset.follows === shown) return false
    location.assign(address)
    return true
  })
}

/** Warns before the visit ends. A request for a page of the visit that is no poll extends it. */
function watchSession() {
  const warning = document.querySelector('[data-session]')
  if (!warning) return
  const { session, visit } = warning.dataset
  const sessionMs = Number(session) * 1000
  let timer

  function wait() {
    warning.hidden = true
    timer = setTimeout(() => {
      warning.hidden = false
      timer = setTimeout(() => location.assign(visit), Math.min(WARNING_MS, sessionMs) + POLL_MS)
    }, Math.max(sessionMs - WARNING_MS, 0))
  }

  warning.querySelector('button').addEventListener('click', async () => {
    clearTimeout(timer)
    const answer = await fetch(`${visit}/leave`, { method: 'HEAD' }).catch(() => null)
    if (answer?.ok) wait()
    else location.assign(visit)
  })
  wait()
}

/** Counts seconds down. A live region speaks at the end, not each second. */
function countDown() {
  for (const seconds of document.querySelectorAll('[data-countdown]')) {
    const sentence = seconds.closest('p')
    const end = Date.now() + Number(seconds.textContent) * 1000
    const timer = setInterval(() => {
      const left = Math.max(Math.ceil((end - Date.now()) / 1000), 0)
      seconds.textContent = left
      if (left > 0) return
      clearInterval(timer)
      if (sentence.dataset.ended) sentence.textContent = sentence.dataset.ended
    }, 1000)
  }
}

followBanks()
followProgress()
watchSession()
countDown()
