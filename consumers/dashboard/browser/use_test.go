package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/hubspoke/observability/consumers/dashboard"
	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/hubtest"
	"github.com/hubspoke/observability/lib/refresh"
)

// TestKeys uses the dashboard without a mouse.
func TestKeys(t *testing.T) {
	t.Parallel()
	w := world(t)
	b := open(t, w.handler)

	b.visit("/")
	for _, p := range pages.All() {
		if p.Key != "" {
			b.do(press("g"))
			b.leads(p.Path, press(p.Key))
		}
	}
	b.do(press("g"))
	b.leads("/rows", press("b"))

	// A letter in a field is a letter.
	b.visit("/rows/needs_attention")
	b.do(press("/"))
	b.is(`document.activeElement.matches('input, select')`)
	b.do(chromedp.Focus(chromedp.CSS(".ask input")), press("gcx?tj"))
	b.is(`document.activeElement.value === 'gcx?tj'`)
	b.at("/rows/needs_attention")

	// Rows: down, down, up, in.
	b.visit("/costs")
	b.do(press("j"))
	first := eval[string](b, `document.activeElement.closest('tr').innerText`)
	b.do(press("j"))
	b.is(`document.activeElement.closest('tr').classList.contains('at')`)
	b.is(`document.querySelectorAll('tr.at').length === 1`)
	b.do(press("k"))
	if again := eval[string](b, `document.activeElement.closest('tr').innerText`); again != first {
		t.Errorf("j, j and k lead to %q, want %q", again, first)
	}
	b.leads(eval[string](b, `document.activeElement.getAttribute('href')`), press(kb.Enter))
	b.visit("/costs?service=Tax")
	b.leads("/costs", press("x"))

	// A chart tells its values place by place.
	b.do(chromedp.Focus(chromedp.CSS(".chart")), press(kb.ArrowRight))
	b.is(`!document.querySelector('.tip').hidden`)
	b.is(`document.querySelector('.col.at') === document.querySelectorAll('.col')[0]`)
	b.do(press(kb.ArrowRight))
	b.is(`document.querySelector('.tip').innerText.startsWith(document.querySelectorAll('.col')[1].dataset.tip.split('\n')[0])`)
	b.do(press(kb.ArrowLeft))
	b.is(`document.querySelector('.col.at') === document.querySelectorAll('.col')[0]`)
	b.do(chromedp.Blur(chromedp.CSS(".chart")))
	b.is(`document.querySelector('.tip').hidden`)

	// The list of keys.
	b.do(press("?"))
	b.is(`document.getElementById('help').open`)
	b.accessible("the list of keys", everything...)
	b.do(press("x"))
	b.is(`document.getElementById('help').open`)
	b.do(press(kb.Escape))
	b.is(`!document.getElementById('help').open`)

	// Light and dark, remembered.
	b.is(`getComputedStyle(document.documentElement).colorScheme === 'light dark'`)
	b.do(press("t"))
	b.is(`getComputedStyle(document.documentElement).colorScheme === 'dark'`)
	b.visit("/findings")
	b.is(`getComputedStyle(document.documentElement).colorScheme === 'dark'`)
	b.do(press("t"))
	b.is(`getComputedStyle(document.documentElement).colorScheme === 'light'`)
	b.silent("keys")
}

// TestMouse chooses, goes back, and follows numbers to their rows.
func TestMouse(t *testing.T) {
	t.Parallel()
	w := world(t)
	b := open(t, w.handler)

	// A filter is in the address. Back is what was before.
	b.visit("/findings")
	b.leads("/findings?severity=HIGH", click(`.tile[href="/findings?severity=HIGH"]`))
	b.is(`document.querySelector('select[name=severity]').value === 'HIGH'`)
	b.do(chromedp.NavigateBack())
	b.at("/findings")
	b.is(`document.querySelector('select[name=severity]').value === ''`)
	b.do(chromedp.NavigateForward())
	b.at("/findings?severity=HIGH")
	b.leads("/findings", click(".chip"))
	b.leads("/findings?severity=LOW", b.pick("select[name=severity]", "LOW"))
	b.leads("/findings", b.pick("select[name=severity]", ""))
	b.do(chromedp.Focus(chromedp.CSS("select[name=severity]")))
	b.leads("/findings?severity=LOW", press("L"))

	// A number leads to what it is made of, and this says the same number.
	b.visit("/")
	tile := `[...document.querySelectorAll('.tile')].find(t => t.querySelector('.label').textContent === %q).querySelector('.value').title`
	critical := eval[string](b, fmt.Sprintf(tile, "Critical findings open"))
	b.leads("/findings?severity=CRITICAL", click(`.tile[href="/findings?severity=CRITICAL"]`))
	if got := eval[string](b, fmt.Sprintf(tile, "Critical")); got != critical {
		t.Errorf("%s critical findings on their page, %s on the first", got, critical)
	}
	b.visit("/attention")
	row := `document.querySelector('#what-is-wrong tbody tr')`
	count := eval[string](b, row+`.querySelector('.bars span').textContent`)
	b.leads(eval[string](b, row+`.querySelector('a').getAttribute('href')`), click("#what-is-wrong tbody a"))
	if heading := eval[string](b, `document.querySelector('.rows h2').textContent`); !strings.HasSuffix(heading, " "+count) {
		t.Errorf("%s rows became %q", count, heading)
	}

	// Any view: sorted by its heading, with a condition below it.
	b.visit("/rows/needs_attention")
	b.leads("/rows/needs_attention?sort=days_left", click(`th a[href$="sort=days_left"]`))
	b.do(chromedp.SendKeys(chromedp.CSS(".ask input[name=severity]"), "HIGH"))
	b.loads(press(kb.Enter))
	b.is(`new URLSearchParams(location.search).get('severity') === 'HIGH'`)
	b.is(`[...document.querySelectorAll('tbody .badge')].every(e => e.innerText === 'High')`)
	b.leads("/rows/cost_daily", b.pick("#view", "/rows/cost_daily"))

	// What is stale is one click away.
	b.visit("/")
	b.leads("/freshness?red=true", click(".fresh.stale"))
	b.is(`document.querySelectorAll('#stale-or-failing tbody tr').length > 0`)

	// Values beside the pointer.
	b.visit("/costs")
	b.hover(".chart .col:nth-of-type(30) .hit")
	b.is(`!document.querySelector('.tip').hidden`)
	b.fits("with a tip", wide, true)
	b.hover("h1")
	b.is(`document.querySelector('.tip').hidden`)

	// Buttons of the menu.
	b.do(click("#keys"))
	b.is(`document.getElementById('help').open`)
	b.do(click("#help button"))
	b.is(`!document.getElementById('help').open`)
	b.do(click("#theme"))
	b.is(`document.documentElement.dataset.theme === 'dark'`)

	// The query of a panel.
	b.do(click("#services .sql summary"))
	b.is(`document.querySelector('#services .sql pre').checkVisibility()`)
	b.fits("with a query", wide, true)
	b.silent("mouse")
}

// pick opens a list by the mouse, and returns what picks a value in it. What is open is no part
// of the page: arrows get through it.
func (b *tab) pick(selector, value string) action {
	b.Helper()
	steps := eval[int](b, fmt.Sprintf(`(list => [...list.options].findIndex(o => o.value === %q) - list.selectedIndex)
		(document.querySelector(%q))`, value, selector))
	arrow := kb.ArrowDown
	if steps < 0 {
		arrow, steps = kb.ArrowUp, -steps
	}
	b.do(click(selector))
	b.is(fmt.Sprintf(`document.querySelector(%q).matches(':open')`, selector))
	return press(strings.Repeat(arrow, steps) + kb.Enter)
}

// hover moves the pointer to the middle of the first element.
func (b *tab) hover(selector string) {
	b.Helper()
	at := eval[struct{ X, Y float64 }](b, fmt.Sprintf(`(e => {
		e.scrollIntoView({ block: 'center' })
		const box = e.getBoundingClientRect()
		return { X: box.x + box.width / 2, Y: box.y + box.height / 2 }
	})(document.querySelector(%q))`, selector))
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at.X, at.Y))
}

// TestOpenPageTakesOverWhatChanged, and leaves what somebody looks at.
func TestOpenPageTakesOverWhatChanged(t *testing.T) {
	t.Parallel()
	w := show(t, hubtest.Empty)
	labels := page.Page{Name: "x", Path: "/", Title: "X", Panels: []page.Panel{
		{Title: "Labels", As: page.Table{}, SQL: `SELECT count(*) AS labels FROM account_labels`},
	}}
	b := open(t, dashboard.New(w.db.Pool, dashboard.Config{Pages: []page.Page{labels}}))
	b.visit("/")
	b.do(click("#labels .sql summary"))
	b.is(`document.querySelector('#labels td').innerText === '0'`)
	if _, err := w.db.Pool.Exec(t.Context(), `INSERT INTO org.account_labels VALUES ('111122223333', 'product', 'search')`); err != nil {
		t.Fatal(err)
	}
	refresher, err := refresh.New(w.db.Pool, refresh.Config{})
	if err == nil {
		_, err = refresher.All(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Evaluate[chromedp.Void](`document.dispatchEvent(new Event('visibilitychange'))`))
	b.becomes(`document.querySelector('#labels td').innerText === '1'`)
	b.is(`document.querySelector('#labels .sql').open`)
	b.is(`document.activeElement === document.querySelector('#labels .sql summary')`)
	b.silent("renewal")
}
