// Asks axe-core what people with screen readers or little sight trip over.
async (path, rules) => {
  if (!window.axe) await import(path)
  const found = await axe.run(document, { runOnly: rules, resultTypes: ['violations'] })
  return found.violations.flatMap(v => v.nodes.slice(0, 3).map(n =>
    `${v.id}: ${n.target.join(' ')}: ${n.html.slice(0, 160)}: ${n.failureSummary.replace(/\s+/g, ' ').slice(0, 300)}`))
}
