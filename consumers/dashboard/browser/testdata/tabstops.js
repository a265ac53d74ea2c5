// Notes what gets the focus, and says in the end what never got it, or got it unseen.
() => {
  const seen = e => e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })
  const wanted = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
    .filter(e => !e.disabled && (seen(e) || e.classList.contains('skip')))
  const name = e => `${e.localName}${e.className && e.className.baseVal === undefined ? '.' + e.className : ''} "${(e.ariaLabel || e.textContent).trim().slice(0, 40)}"`
  const got = new Set(), faults = []
  let last = -1
  document.addEventListener('focusin', event => {
    const e = event.target
    if (got.has(e)) return
    got.add(e)
    const box = e.getBoundingClientRect()
    if (box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth || !box.width) faults.push(`${name(e)} has the focus where nobody sees it`)
    if (!e.checkVisibility({ opacityProperty: true })) faults.push(`${name(e)} has the focus and cannot be seen`)
    const frame = e.closest('.filters label') || e
    if (getComputedStyle(frame).outlineStyle === 'none' && frame === e) faults.push(`${name(e)} does not show that it has the focus`)
    const place = wanted.indexOf(e)
    if (place < last) faults.push(`${name(e)} comes after ${name(wanted[last])}`)
    last = Math.max(last, place)
  })
  window.tabstops = () => [...faults, ...wanted.filter(e => !got.has(e)).map(e => `no tab reaches ${name(e)}`)]
  return wanted.length
}
