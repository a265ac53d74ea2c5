// Takes rows, options and places of charts off the page that are like one before beside them:
// with the same elements, classes and attributes, and empty where that is. axe-core would say
// the same of them, and take long.
() => {
  const shape = e => `${e.localName} ${e.classList} ${e.getAttributeNames()} ${e.textContent !== ''} (${[...e.children].map(shape)})`
  const shapes = new Map()
  for (const e of document.querySelectorAll('tbody tr, option, .col')) {
    const beside = shapes.get(e.parentNode) ?? new Set()
    shapes.set(e.parentNode, beside)
    if (beside.has(shape(e))) e.remove()
    else beside.add(shape(e))
  }
}
