// The customer's pages: banks and scenarios that answer later, and the warning before a visit ends. Without this script
// the pages work by links and forms.

const POLL_MS = 1000
const WARNING_MS = 60_000

/** Asks for this page again and again, until `show` gets an answer for which it returns true. */
function pollPage(show) {
  async function update() {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => null)
    if (answer && (await show(answer))) return
    setTimeout(update, POLL_MS)
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
  pollPage(async (answer) => {
    if (answer.redirected || !answer.ok) {
      location.reload()
      return true
    }
    const page = await parsePage(answer)
    for (const waiting of form.querySelectorAll('[data-waiting]')) {
      const bank = page.querySelector(`[data-bank="${CSS.escape(waiting.dataset.bank)}"]`)
      if (!bank || bank.textContent === waiting.textContent) continue
      heard.textContent = bank.querySelector('[data-answer]').textContent
      waiting.replaceWith(bank)
    }
    if (form.querySelector('[data-waiting]')) return false
    form.querySelector('[data-again]').remove()
    form.querySelector('[data-next]').replaceWith(page.querySelector('[data-next]'))
    return true
  })
}

/** Shows what a scenario has answered in place of the customer. */
function followScenario() {
  if (!document.querySelector('[data-follows]')) return
  pollPage(async (answer) => {
    if (!answer.ok || (await parsePage(answer)).querySelector('[data-follows]')) return false
    location.reload()
    return true
  })
}

/** Warns before the visit ends. Asking for any page of the visit extends it. */
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
    const answer = await fetch(`${visit}/leave`).catch(() => null)
    if (answer?.ok) wait()
    else location.assign(visit)
  })
  wait()
}

followBanks()
followScenario()
watchSession()
