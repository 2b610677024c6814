// The customer's pages: banks and scenarios that answer later, and the warning before a visit ends. Without this script
// the pages work by links and forms.

const POLL_MS = 1000
const WARNING_MS = 60_000

/** Asks for the page again until each bank has answered, and shows each answer in its place. */
function followBanks() {
  const form = document.querySelector('form[data-banks]')
  const heard = document.getElementById('heard')
  if (!form?.querySelector('[data-waiting]')) return
  form.querySelector('[data-again]').hidden = true

  async function update() {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => null)
    if (answer && (answer.redirected || !answer.ok)) {
      location.reload()
      return
    }
    if (answer) {
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
      for (const waiting of form.querySelectorAll('[data-waiting]')) {
        const bank = page.querySelector(`[data-bank="${CSS.escape(waiting.dataset.bank)}"]`)
        if (!bank || bank.textContent === waiting.textContent) continue
        heard.textContent = bank.querySelector('[data-answer]').textContent
        waiting.replaceWith(bank)
      }
      if (!form.querySelector('[data-waiting]')) {
        form.querySelector('[data-again]').remove()
        form.querySelector('[data-next]').replaceWith(page.querySelector('[data-next]'))
        return
      }
    }
    setTimeout(update, POLL_MS)
  }
  setTimeout(update, POLL_MS)
}

/** Shows what a scenario has answered in place of the customer. */
function followScenario() {
  if (!document.querySelector('[data-follows]')) return

  async function update() {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => null)
    const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), 'text/html')
    if (page && !page.querySelector('[data-follows]')) location.reload()
    else setTimeout(update, POLL_MS)
  }
  setTimeout(update, POLL_MS)
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
