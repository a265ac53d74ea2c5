// Says what does not fit on a page of the dashboard. width is that of the window, fits says
// whether tables have to fit their panels as they are, or may be scrolled in them.
(width, fits) => {
  const faults = []
  const box = e => e.getBoundingClientRect()
  const seen = e => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && box(e).width > 0
  const name = e => {
    const panel = e.closest('.panel')
    const id = panel && panel !== e ? `#${panel.id || panel.className} ` : ''
    return `${id}${e.localName}${e.classList.length ? '.' + [...e.classList].join('.') : ''} "${e.textContent.trim().replace(/\s+/g, ' ').slice(0, 40)}"`
  }
  const all = (selector, from = document) => [...from.querySelectorAll(selector)].filter(seen)
  const apart = (elements, what) => {
    for (let i = 0; i < elements.length; i++) {
      for (let k = i + 1; k < elements.length; k++) {
        const [a, b] = [box(elements[i]), box(elements[k])]
        if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) {
          faults.push(`${what} ${name(elements[i])} is over ${name(elements[k])}`)
        }
      }
    }
  }

  // Nothing is wider than the window.
  if (document.documentElement.scrollWidth > width) {
    const far = all('body *').filter(e => box(e).right > width + 1 && !e.closest('.scroll') && !e.closest('pre'))
    faults.push(`the page is ${document.documentElement.scrollWidth} px wide: ${far.slice(0, 3).map(name).join(', ')}`)
  }

  // Panels and what is in them.
  for (const scroll of all('.scroll')) {
    const panel = box(scroll.closest('.panel'))
    if (box(scroll).right > panel.right + 1 || box(scroll).left < panel.left - 1) faults.push(`${name(scroll)} leaves its panel`)
    if (fits && scroll.scrollWidth > scroll.clientWidth + 1) {
      faults.push(`the table of ${name(scroll)} is ${scroll.scrollWidth} px wide, its panel ${scroll.clientWidth} px`)
    }
  }
  for (const e of all('.panel > :not(.scroll), .tile, .tile *, .chart text, .legend li')) {
    const panel = e.closest('.panel') && box(e.closest('.panel'))
    if (panel && (box(e).right > panel.right + 1 || box(e).left < panel.left - 1)) faults.push(`${name(e)} leaves its panel`)
  }
  for (const e of all('h1, h2, .question, .note, .label, .value, .sub, .legend span, .chip, .fresh, .menu a, button, summary')) {
    if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline') faults.push(`${name(e)} is cut`)
  }
  for (const top of all('.top')) apart(all(':scope > h2, :scope > .note, :scope > .tools', top), 'in a heading')
  for (const axis of all('.chart .x, .chart .grid')) apart(all('text', axis), 'on an axis')
  apart(all('.panel'), 'panel')
  apart(all('.tile'), 'tile')
  apart(all('header > *, .filters > *'), 'on top')

  // What a drawing cannot mean.
  for (const svg of document.querySelectorAll('svg')) {
    if (/NaN|Infinity|undefined/.test(svg.outerHTML)) faults.push(`a drawing of ${name(svg)} has a number that is none`)
  }
  if (/\[object|undefined|%!/.test(document.body.innerText)) faults.push('the page shows what only a program may see')
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id)
  for (const id of new Set(ids)) if (ids.filter(other => other === id).length > 1) faults.push(`the id ${id} is there twice`)
  return [...new Set(faults)].slice(0, 20)
}
