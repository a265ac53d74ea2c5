package browser_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/hubspoke/observability/consumers/dashboard/pages"
)

// addresses are those of all pages, and of Browse.
func addresses(account string) (all []string) {
	for _, p := range pages.All() {
		all = append(all, strings.ReplaceAll(p.Path, "{account}", account))
	}
	return append(all, "/rows", "/rows/needs_attention?severity=HIGH&sort=-days_left", "/rows/current_secrets")
}

// TestPages looks at every page, light and dark, on a wide and on a narrow screen.
func TestPages(t *testing.T) {
	t.Parallel()
	w := world(t)
	for _, path := range addresses(w.account) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b := open(t, w.handler)
			b.visit(path)
			b.lookAt(path)
		})
	}
}

// lookAt wants a page to look right on all screens, in both schemes.
func (b *tab) lookAt(path string) {
	b.Helper()
	browses := strings.HasPrefix(path, "/rows/")
	for _, s := range []screen{wide, narrow} {
		b.size(s)
		b.fits(path+", "+s.name, s, s.width == wide.width && !browses)
	}
	b.judge(path)
	b.silent(path)
}

// TestTabReachesEverything: people without a mouse get everywhere, in the order of the page,
// and see where.
func TestTabReachesEverything(t *testing.T) {
	t.Parallel()
	w := world(t)
	for _, path := range addresses(w.account) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b := open(t, w.handler)
			b.visit(path)
			stops := eval[int](b, "("+tabstops+")()")
			for range stops + 1 {
				b.do(press("\t"))
			}
			for _, fault := range eval[[]string](b, "tabstops()") {
				b.Error(fault)
			}
			b.silent(path)
		})
	}
}

// TestWithoutJavaScript: a page says the same without it.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	w := world(t)
	text := `[...document.querySelectorAll('main')].map(e => e.cloneNode(true)).map(e => {
		e.querySelectorAll('footer, .filters button').forEach(b => b.remove())
		return e.textContent.replace(/\s+/g, ' ') })[0]`
	b := open(t, asAtFirst(w.handler))
	for _, path := range addresses(w.account) {
		b.visit(path)
		with := eval[string](b, text)
		b.do(scripts(false))
		b.visit(path)
		b.is(`!document.documentElement.classList.contains('js')`)
		if without := eval[string](b, text); without != with {
			t.Errorf("%s says without JavaScript:\n%s\nand with it:\n%s", path, without, with)
		}
		b.fits(path+" without JavaScript", wide, false)
		b.do(scripts(true))
	}
}

// asAtFirst returns a handler that answers each address as it did at first: a page that is made
// again may say other ages.
func asAtFirst(handler http.Handler) http.Handler {
	var mu sync.Mutex
	first := map[string]*httptest.ResponseRecorder{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		address := r.URL.String()
		answer := first[address]
		if answer == nil {
			answer = httptest.NewRecorder()
			handler.ServeHTTP(answer, r)
			first[address] = answer
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
	})
}

// TestPrint: the printed page has all that the page says, and fits the paper.
func TestPrint(t *testing.T) {
	t.Parallel()
	w := world(t)
	b := open(t, w.handler)
	for _, path := range []string{"/", "/costs", "/accounts", "/rows/needs_attention"} {
		b.visit(path)
		pdf := run(b, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPrintBackground()))
		if !strings.HasPrefix(string(pdf), "%PDF-") || strings.Count(string(pdf), "/Type /Page\n") == 0 {
			t.Errorf("%s: no PDF with pages: %.100q", path, pdf)
		}
		b.media("print", "dark")
		b.is(`getComputedStyle(document.querySelector('.menu')).display === 'none'`)
		b.is(`getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'`)
		b.is(`[...document.querySelectorAll('.scroll')].every(e => e.closest('details') || e.scrollHeight <= e.clientHeight + 1)`)
		b.scheme("light")
	}
	b.silent("print")
}
