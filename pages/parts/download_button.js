// Asks for a file to be made, then lets the browser fetch it. Says what it does; a failure is a sentence beside the button.

const buttons = new WeakMap()

export default function (component) {
  const { data, parentElement } = component
  let button = buttons.get(parentElement)
  if (!button) {
    button = { control: parentElement.querySelector("button"), said: parentElement.querySelector(".said"), busy: false }
    button.control.onclick = () => begin(button)
    buttons.set(parentElement, button)
  }
  button.ticket = data.ticket
  button.control.querySelector("span").textContent = data.label
}

async function begin(button) {
  if (button.busy) return
  turn(button, true)
  const clock = setTimeout(() => say(button, "Making the file …"), 400)
  const answer = await asked(button.ticket)
  clearTimeout(clock)
  turn(button, false)
  if (!answer.address) return say(button, answer.sentence || "The portal can't be reached. Try again in a moment.", true)
  say(button, "Downloading.")
  save(answer.address)
  setTimeout(() => say(button, ""), 4000)
}

async function asked(ticket) {
  try {
    const answer = await fetch("/api/downloads", { method: "POST", headers: { "X-Download-Ticket": ticket } })
    return await answer.json()
  } catch {
    return {}
  }
}

function save(address) {
  const link = document.createElement("a")
  link.href = address
  link.download = ""
  document.body.append(link)
  link.click()
  link.remove()
}

function turn(button, busy) {
  button.busy = busy
  button.control.setAttribute("aria-disabled", String(busy))
}

function say(button, text, failed) {
  button.said.classList.toggle("failed", Boolean(failed))
  button.said.textContent = text
}
