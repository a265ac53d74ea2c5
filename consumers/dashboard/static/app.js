// What a page does beyond links and forms: it submits filters when they change, shows values
// beside the pointer, listens to the keyboard, and reads the page anew while somebody looks.
// Without it every page works the same.
'use strict'

const root = document.documentElement
root.classList.add('js')

// Light, dark, or what the system says.
const remembered = () => { try { return localStorage.getItem('theme') } catch { return null } }
const theme = next => { if (next) root.dataset.theme = next; else delete root.dataset.theme }
theme(remembered())
const toggle = () => {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
  const next = dark ? 'light' : 'dark'
  try { localStorage.setItem('theme', next) } catch { /* private window: only this page */ }
  theme(next)
}
document.getElementById('theme').addEventListener('click', toggle)

// Filters. Empty ones stay out of the address.
const form = document.querySelector('.filters')
const view = document.getElementById('view')
form?.addEventListener('formdata', event => {
  for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name)
})
form?.addEventListener('submit', event => {
  if ([...new FormData(form)].length) return
  event.preventDefault() // an address with a question mark and nothing behind it
  location.href = location.pathname
})
form?.addEventListener('change', event => {
  if (event.target === view) location.href = view.value
  else form.requestSubmit()
})

// Values beside the pointer: the lines of data-tip are a title, then "class, name, value".
const tip = document.createElement('div')
tip.className = 'tip'
tip.hidden = true
tip.setAttribute('role', 'status')
document.body.append(tip)
const element = (name, text, className) => {
  const made = document.createElement(name)
  made.textContent = text
  if (className) made.className = className
  return made
}
const showTip = (at, x, y) => {
  const [title, ...lines] = at.dataset.tip.split('\n')
  tip.replaceChildren(element('strong', title), ...lines.map(line => {
    const [colour, name, value] = line.split('\t')
    const row = document.createElement('div')
    row.append(element('i', '', colour), element('span', name), element('b', value))
    return row
  }))
  tip.hidden = false
  const box = tip.getBoundingClientRect()
  const left = x + 16 + box.width > innerWidth ? x - 16 - box.width : x + 16
  tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, Math.min(y - 20, innerHeight - box.height - 4))}px)`
}
document.addEventListener('pointermove', event => {
  const at = event.target.closest?.('[data-tip]')
  if (at) showTip(at, event.clientX, event.clientY)
  else tip.hidden = true
})

// Arrows walk through a chart that has the focus.
document.addEventListener('keydown', event => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
  if (!step || !event.target.matches('.chart')) return
  const places = [...event.target.querySelectorAll('.col')]
  const at = places.findIndex(place => place.classList.contains('at'))
  places[at]?.classList.remove('at')
  const to = places[at < 0 && step < 0 ? places.length - 1 : Math.max(0, Math.min(places.length - 1, at + step))]
  to.classList.add('at')
  const box = to.getBoundingClientRect()
  showTip(to, box.right, box.top + 40)
  event.preventDefault()
})
document.addEventListener('focusout', event => {
  if (!event.target.matches('.chart')) return
  event.target.querySelector('.col.at')?.classList.remove('at')
  tip.hidden = true
})

// Keys of the page.
const help = document.getElementById('help')
document.getElementById('keys').addEventListener('click', () => help.showModal())
const pages = Object.fromEntries([...document.querySelectorAll('[data-key]')].map(a => [a.dataset.key, a.href]))
let row = -1, going = false
const move = by => {
  const rows = [...document.querySelectorAll('main tbody tr')].filter(row => row.querySelector('a') && !row.closest('details'))
  if (!rows.length) return
  rows[row]?.classList.remove('at')
  row = Math.max(0, Math.min(rows.length - 1, row + by))
  rows[row].classList.add('at')
  rows[row].querySelector('a').focus({ preventScroll: true })
  rows[row].scrollIntoView({ block: 'nearest' })
}
const keys = {
  '/': () => document.getElementById('q').select(),
  g: () => { going = true },
  j: () => move(1),
  k: () => move(-1),
  x: () => { location.href = location.pathname },
  t: toggle,
  '?': () => help.showModal(),
}
document.addEventListener('keydown', event => {
  // The focus may still be in the list of keys when it has just been closed.
  if (event.ctrlKey || event.metaKey || event.altKey || help.open || event.target.closest('input, select, textarea')) return
  if (going) {
    going = false
    if (pages[event.key]) location.href = pages[event.key]
    return
  }
  if (!keys[event.key]) return
  keys[event.key]()
  event.preventDefault()
})

// An open page asks every half a minute whether it has changed, and takes over the parts that
// have. What is open, scrolled or has the focus stays so.
const main = document.getElementById('main')
const parts = of => [...of.querySelectorAll('.fresh, .panel, footer')]
const focusable = 'a, button, summary, [tabindex]'
const takeOver = (old, next) => {
  const details = next.querySelectorAll('details')
  old.querySelectorAll('details').forEach((d, i) => { if (details[i]) details[i].open = d.open })
  if (old.isEqualNode(next)) return
  const focus = [old, ...old.querySelectorAll(focusable)].indexOf(document.activeElement)
  const scrolled = [...old.querySelectorAll('.scroll, pre')].map(s => [s.scrollTop, s.scrollLeft])
  old.replaceWith(next)
  next.querySelectorAll('.scroll, pre').forEach((s, i) => { [s.scrollTop, s.scrollLeft] = scrolled[i] ?? [0, 0] })
  if (focus >= 0) [next, ...next.querySelectorAll(focusable)][focus]?.focus({ preventScroll: true })
}
const busy = () => help.open || !getSelection().isCollapsed ||
  [...main.querySelectorAll('.panel input')].some(f => f === document.activeElement || f.value !== f.defaultValue)
const renew = () => {
  if (document.visibilityState !== 'visible' || busy()) return
  const ask = new XMLHttpRequest()
  ask.open('GET', location.href)
  ask.responseType = 'document'
  if (main.dataset.tag) ask.setRequestHeader('If-None-Match', main.dataset.tag)
  ask.onload = () => {
    const next = ask.status === 200 && ask.response?.getElementById('main')
    if (!next || busy()) return
    const [olds, news] = [parts(main), parts(next)]
    if (olds.length !== news.length || olds.some((old, i) => old.id !== news[i].id)) return location.reload()
    main.dataset.tag = next.dataset.tag
    tip.hidden = true
    olds.forEach((old, i) => takeOver(old, news[i]))
  }
  ask.send()
}
setInterval(renew, 30_000)
document.addEventListener('visibilitychange', renew)
