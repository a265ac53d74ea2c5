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
form?.addEventListener('submit', () => {
  for (const field of form.elements) if (field.name && !field.value) field.disabled = true
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
for (const chart of document.querySelectorAll('.chart')) {
  const columns = [...chart.querySelectorAll('.col')]
  let at = -1
  const go = to => {
    columns[at]?.classList.remove('at')
    at = Math.max(0, Math.min(columns.length - 1, to))
    columns[at].classList.add('at')
    const box = columns[at].getBoundingClientRect()
    showTip(columns[at], box.right, box.top + 40)
  }
  chart.addEventListener('keydown', event => {
    if (event.key === 'ArrowRight') go(at + 1)
    else if (event.key === 'ArrowLeft') go(at < 0 ? columns.length - 1 : at - 1)
    else return
    event.preventDefault()
  })
  chart.addEventListener('blur', () => { columns[at]?.classList.remove('at'); tip.hidden = true })
}

// Keys of the page.
const help = document.getElementById('help')
document.getElementById('keys').addEventListener('click', () => help.showModal())
const pages = Object.fromEntries([...document.querySelectorAll('[data-key]')].map(a => [a.dataset.key, a.href]))
const rows = [...document.querySelectorAll('main tbody tr')].filter(row => row.querySelector('a') && !row.closest('details'))
let row = -1, going = false, touched = Date.now()
const move = by => {
  if (!rows.length) return
  rows[row]?.classList.remove('at')
  row = Math.max(0, Math.min(rows.length - 1, row + by))
  rows[row].classList.add('at')
  rows[row].querySelector('a').focus({ preventScroll: true })
  rows[row].scrollIntoView({ block: 'nearest' })
}
const keys = {
  '/': () => document.querySelector('.filters input, .filters select')?.focus(),
  g: () => { going = true },
  j: () => move(1),
  k: () => move(-1),
  x: () => { location.href = location.pathname },
  t: toggle,
  '?': () => help.showModal(),
}
document.addEventListener('keydown', event => {
  touched = Date.now()
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea, dialog')) return
  if (going) {
    going = false
    if (pages[event.key]) location.href = pages[event.key]
    return
  }
  if (!keys[event.key]) return
  keys[event.key]()
  event.preventDefault()
})
document.addEventListener('pointerdown', () => { touched = Date.now() })

// A page that somebody only looks at reads itself anew every minute.
const minute = 60_000
setInterval(() => {
  const busy = help.open || document.activeElement?.matches('input, select') || document.querySelector('main details[open]')
  if (!busy && document.visibilityState === 'visible' && Date.now() - touched > minute / 2) location.reload()
}, minute)
