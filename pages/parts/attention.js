// Focus and announcements. A live region has to stay where it is while its text changes, else nothing is read aloud.

const led = new Set()
const watchers = new WeakMap()
const SAY_EVERY = 4000
const AFTER_PRESS = 15000
let pressed = 0

export default function (component) {
  const { data, parentElement } = component
  if (data.say !== undefined) say(parentElement.querySelector("[role=status]"), data.say)
  if (data.to && !led.has(data.once)) {
    led.add(data.once)
    if (!data.afterPress || Date.now() - pressed < AFTER_PRESS) whenThere(`.st-key-${CSS.escape(data.to)}`, focus)
  }
  if (data.watch && !watchers.has(parentElement)) watchers.set(parentElement, watch())
  return () => {
    watchers.get(parentElement)?.()
    watchers.delete(parentElement)
  }
}

// At most every few seconds, and then the latest: a percentage that runs up would drown everything else.
function say(region, text) {
  region.next = text
  if (region.waiting) return
  region.textContent = text
  region.waiting = setTimeout(() => {
    region.waiting = null
    if (region.next !== region.textContent) say(region, region.next)
  }, SAY_EVERY)
}

function watch() {
  const press = (event) => { if (event.target.closest?.("button, [role=button]")) pressed = Date.now() }
  const seen = new WeakSet(failures())
  const observer = new MutationObserver(() => {
    const found = failures().filter((each) => !seen.has(each))
    found.forEach((each) => seen.add(each))
    if (!found.length || Date.now() - pressed > AFTER_PRESS) return
    pressed = 0
    focus(found[0])
  })
  document.addEventListener("click", press, true)
  observer.observe(document.body, { childList: true, subtree: true })
  return () => {
    document.removeEventListener("click", press, true)
    observer.disconnect()
  }
}

function failures() {
  return [...document.querySelectorAll("[data-testid=stAlertContentError], [data-testid=stAlertContentWarning]")].map((each) => each.closest("[data-testid=stAlert]"))
}

function whenThere(selector, act, tries = 40) {
  const found = document.querySelector(selector)
  if (found) act(found)
  else if (tries) setTimeout(() => whenThere(selector, act, tries - 1), 100)
}

function focus(element) {
  element.tabIndex = -1
  element.dataset.led = ""
  element.focus()
}
