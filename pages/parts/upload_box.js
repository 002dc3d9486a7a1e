// The drop area: files go to the disk in slices, each upload with a ticket of its own. Python hears of finished ids only.

const boxes = new WeakMap()
const RETRY_SECONDS = [1, 2, 4, 8, 15, 30]
const GIVE_UP_AFTER = 40

export default function (component) {
  const { data, parentElement, setStateValue } = component
  let box = boxes.get(parentElement)
  if (!box) {
    box = newBox(parentElement)
    boxes.set(parentElement, box)
  }
  box.data = data
  box.tell = (value) => setStateValue("finished", value)
  for (const ticket of data.tickets) {
    if (!box.seen.has(ticket.id)) {
      box.seen.add(ticket.id)
      box.tickets.push(ticket)
    }
  }
  startNext(box)
  return () => leave(box)
}

function newBox(root) {
  const box = { root, files: [], tickets: [], seen: new Set(), done: [], list: root.querySelector("ul"), live: root.querySelector("[role=status]"), area: root.querySelector(".area") }
  const input = root.querySelector("input")
  root.querySelector("button.choose").onclick = () => input.click()
  input.onchange = () => { add(box, [...input.files]); input.value = "" }
  box.area.ondragover = (event) => { event.preventDefault(); box.area.classList.add("over") }
  box.area.ondragleave = () => box.area.classList.remove("over")
  box.area.ondrop = (event) => {
    event.preventDefault()
    box.area.classList.remove("over")
    add(box, dropped(box, event.dataTransfer))
  }
  box.warn = (event) => { if (busy(box)) event.preventDefault() }
  window.addEventListener("beforeunload", box.warn)
  return box
}

function dropped(box, transfer) {
  const items = [...(transfer.items || [])].filter((item) => item.kind === "file")
  const folders = items.filter((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()?.isDirectory)
  if (folders.length) say(box, "Folders can't be dropped here. Open the folder and drop the files in it.", true)
  return items.filter((item) => !folders.includes(item)).map((item) => item.getAsFile()).filter(Boolean)
}

function add(box, files) {
  for (const file of files) {
    const entry = { file, sent: 0, state: "waiting", samples: [] }
    box.files.push(entry)
    draw(box, entry)
    if (file.size > box.data.maxBytes) fail(box, entry, `This file is larger than the ${readable(box.data.maxBytes)} that may be uploaded.`)
  }
  if (files.length) say(box, files.length === 1 ? `Uploading ${files[0].name}` : `Uploading ${files.length} files`)
  startNext(box)
}

// Two at a time: more would only share the same line.
function startNext(box) {
  for (const entry of box.files) {
    const running = box.files.filter((each) => each.state === "sending").length
    if (entry.state === "waiting" && running < 2 && box.tickets.length) {
      entry.ticket = box.tickets.shift()
      send(box, entry)
    }
  }
}

async function send(box, entry) {
  entry.state = "sending"
  entry.tries = 0
  while (entry.state === "sending") {
    const whole = entry.sent >= entry.file.size
    if (whole) update(box, entry, "Checking that it arrived whole …")
    const answer = whole ? await finish(entry) : await slice(box, entry)
    if (entry.state !== "sending") return
    if (answer.status === 200) {
      entry.tries = 0
      if (whole) return succeed(box, entry)
    } else if (!(await recovered(box, entry, answer))) {
      return fail(box, entry, answer.body.sentence || noAnswer(answer))
    }
  }
}

// A cut connection or a restarting portal costs a pause, never the file: the portal says where to go on.
async function recovered(box, entry, answer) {
  entry.tries += 1
  if (entry.tries > GIVE_UP_AFTER) return false
  if (answer.status === 409 && Number.isInteger(answer.body.offset)) {
    entry.sent = answer.body.offset
    return true
  }
  if (![0, 500, 502, 503, 504].includes(answer.status) || (answer.status === 500 && entry.tries > 3)) return false
  const seconds = RETRY_SECONDS[Math.min(entry.tries, RETRY_SECONDS.length) - 1]
  update(box, entry, `The connection was lost. Trying again in ${seconds} s …`)
  await pause(entry, seconds)
  if (entry.state !== "sending") return true
  const there = await request(entry, "GET", entry.ticket.id)
  if (there.status === 200) entry.sent = there.body.offset
  return true
}

function noAnswer(answer) {
  return answer.status ? `The portal answered ${answer.status}.` : "The connection didn't come back. Try again when the portal can be reached."
}

function succeed(box, entry) {
  entry.state = "done"
  box.done.push(entry.ticket.id)
  update(box, entry)
  say(box, `${entry.file.name} is uploaded`)
  report(box)
  startNext(box)
}

async function slice(box, entry) {
  const from = entry.sent
  const body = entry.file.slice(from, from + box.data.sliceBytes)
  const answer = await request(entry, "PUT", `${entry.ticket.id}?offset=${from}`, body, (loaded) => progress(box, entry, from + loaded))
  if (answer.status === 200) progress(box, entry, (entry.sent = answer.body.offset))
  return answer
}

function finish(entry) {
  return request(entry, "POST", `${entry.ticket.id}/complete`, JSON.stringify({ name: entry.file.name, size: entry.file.size }))
}

function request(entry, method, path, body, onProgress) {
  return new Promise((resolve) => {
    const call = new XMLHttpRequest()
    entry.call = call
    call.open(method, `/api/uploads/${path}`)
    call.setRequestHeader("X-Upload-Ticket", entry.ticket.token)
    if (onProgress) call.upload.onprogress = (event) => onProgress(event.loaded)
    call.onloadend = () => resolve({ status: call.status, body: parsed(call.responseText) })
    call.send(body)
  })
}

function parsed(text) {
  try { return JSON.parse(text) || {} } catch { return {} }
}

function pause(entry, seconds) {
  return new Promise((resolve) => {
    entry.wake = resolve
    setTimeout(resolve, seconds * 1000)
  })
}

function progress(box, entry, sent) {
  const now = performance.now()
  entry.samples.push([now, sent])
  entry.samples = entry.samples.filter(([time]) => now - time < 5000)
  const [time, before] = entry.samples[0]
  const speed = now - time > 300 ? (sent - before) / ((now - time) / 1000) : 0
  const left = speed > 0 ? `, ${readable(speed)}/s, ${remaining((entry.file.size - sent) / speed)} left` : ""
  entry.shown = sent
  update(box, entry, `${percent(entry, sent)} % of ${readable(entry.file.size)}${left}`)
}

function percent(entry, sent) {
  return entry.file.size ? Math.floor((sent * 100) / entry.file.size) : 100
}

async function cancel(box, entry) {
  entry.state = "cancelled"
  entry.call?.abort()
  entry.wake?.()
  update(box, entry, "Cancelled. Nothing of it was kept.")
  say(box, `${entry.file.name} was cancelled`)
  if (entry.ticket) {
    const answer = await request(entry, "DELETE", entry.ticket.id)
    if (answer.status === 200) box.tickets.push(entry.ticket)
  }
  report(box)
  startNext(box)
}

function again(box, entry) {
  entry.state = entry.ticket ? "sending" : "waiting"
  update(box, entry, "Starting again …")
  if (entry.ticket) resume(box, entry)
  else startNext(box)
}

async function resume(box, entry) {
  const there = await request(entry, "GET", entry.ticket.id)
  entry.sent = there.status === 200 ? there.body.offset : 0
  send(box, entry)
}

function fail(box, entry, sentence) {
  entry.state = "failed"
  update(box, entry, sentence)
  say(box, `${entry.file.name}: ${sentence}`, true)
  report(box)
  startNext(box)
}

function busy(box) {
  return box.files.some((entry) => entry.state === "sending" || entry.state === "waiting")
}

function report(box) {
  const waiting = box.files.filter((entry) => entry.state === "sending" || entry.state === "waiting").length
  if (box.done.length) box.tell({ done: [...box.done], waiting, chosen: box.files.filter((entry) => entry.state !== "cancelled").length })
}

// Another page, or the box is gone: what is under way is given up, and the portal told so.
function leave(box) {
  window.removeEventListener("beforeunload", box.warn)
  for (const entry of box.files) {
    if (entry.state === "sending" && entry.ticket) {
      entry.state = "left"
      entry.call?.abort()
      entry.wake?.()
      fetch(`/api/uploads/${entry.ticket.id}`, { method: "DELETE", headers: { "X-Upload-Ticket": entry.ticket.token }, keepalive: true }).catch(() => {})
    }
  }
  boxes.delete(box.root)
}

function draw(box, entry) {
  const item = document.createElement("li")
  item.innerHTML = `<span class="name"></span><progress max="100" value="0"></progress><span class="text"></span><button type="button" class="stop">Cancel</button><button type="button" class="retry" hidden>Try again</button>`
  item.querySelector(".name").textContent = entry.file.name
  item.querySelector("progress").setAttribute("aria-label", `Upload of ${entry.file.name}`)
  item.querySelector(".stop").setAttribute("aria-label", `Cancel the upload of ${entry.file.name}`)
  item.querySelector(".retry").setAttribute("aria-label", `Try the upload of ${entry.file.name} again`)
  item.querySelector(".stop").onclick = () => cancel(box, entry)
  item.querySelector(".retry").onclick = () => again(box, entry)
  entry.item = item
  box.list.append(item)
  update(box, entry, "Waiting …")
}

function update(box, entry, text) {
  const { item, state } = entry
  item.className = state
  item.querySelector("progress").value = state === "done" ? 100 : state === "failed" || state === "cancelled" ? 0 : percent(entry, entry.shown || 0)
  item.querySelector(".text").textContent = state === "done" ? `Uploaded, ${readable(entry.file.size)}` : text || ""
  item.querySelector(".stop").hidden = !(state === "sending" || state === "waiting")
  item.querySelector(".retry").hidden = !(state === "failed" && entry.file.size <= box.data.maxBytes)
}

function say(box, text, now) {
  box.live.setAttribute("aria-live", now ? "assertive" : "polite")
  box.live.textContent = text
  box.root.querySelector(".problem").textContent = now && !box.files.some((entry) => entry.state === "failed") ? text : ""
}

function readable(amount) {
  for (const unit of ["bytes", "KB", "MB", "GB"]) {
    if (amount < 1000 || unit === "GB") return unit === "bytes" ? `${Math.round(amount)} ${unit}` : `${amount.toFixed(1)} ${unit}`
    amount /= 1000
  }
}

function remaining(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}
