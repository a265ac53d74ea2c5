// Package browser_test opens the dashboard in a real browser, for what only a browser can
// tell: that nothing stands in its console, that no policy is broken, that everything fits,
// and that mouse, keyboard and screen readers reach all of it.
package browser_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/pgtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	closeBrowser()
	if err := pgtest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// axe is what npm installs: it finds what people with screen readers or little sight trip
// over.
const axe = "../../../internal/emulators/node_modules/axe-core/axe.min.js"

// axePath is where the pages of a test find it: the policy of the dashboard lets them load
// what their own host has, and a message with all of it takes the browser longer.
const axePath = "/axe-core.js"

// closeBrowser ends the browser, if there is one. TestMain calls it alone.
var closeBrowser = func() {}

// chromium is the one browser of all tests: the one without windows where it is installed,
// which takes half the processor time.
var chromium = sync.OnceValues(func() (context.Context, error) {
	path, err := exec.LookPath("chromium-headless-shell")
	if err != nil {
		path, err = exec.LookPath("chromium")
	}
	if err != nil {
		return nil, fmt.Errorf("Chromium is missing; on Debian: apt-get install chromium-headless-shell: %w", err)
	}
	if _, err := os.Stat(axe); err != nil {
		return nil, fmt.Errorf("axe-core is missing; make emulators installs it: %w", err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path),
		// A page that is kept alive for the way back loads nothing that could be waited for.
		chromedp.Flag("disable-features", "Translate,BackForwardCache"))
	if os.Geteuid() == 0 { // Chromium refuses to start as root with its sandbox
		options = append(options, chromedp.NoSandbox)
	}
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator)
	closeBrowser = func() {
		if err := chromedp.Cancel(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "chromium:", err)
		}
	}
	return ctx, chromedp.Do(ctx)
})

// tab is a page of the browser, in the hands of a test.
type tab struct {
	testing.TB
	*target
	site string // address of the dashboard
}

// target is a page of the browser, with a window and cookies of its own. Tests use it one
// after the other, because a new one takes the browser longer than most pages.
type target struct {
	ctx   context.Context
	close func()

	mu   sync.Mutex
	said []string // what the console says
}

// idle are the targets that no test uses.
var idle = make(chan *target, 8)

type action = chromedp.Action[chromedp.Void]

// open opens a tab for a dashboard. Without a browser the test is skipped, except in CI.
func open(t testing.TB, dashboard http.Handler) *tab {
	t.Helper()
	browser, err := chromium()
	if err != nil {
		programtest.Missing(t, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+axePath, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, axe) })
	mux.Handle("/", dashboard)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b := &tab{TB: t, target: targetOf(t, browser), site: server.URL}
	t.Cleanup(b.leave)
	b.scheme("light")
	b.size(wide)
	return b
}

// targetOf returns a target that shows nothing.
func targetOf(t testing.TB, browser context.Context) *target {
	t.Helper()
	select {
	case next := <-idle:
		return next
	default:
	}
	next := new(target)
	next.ctx, next.close = chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	if err := chromedp.Listen(next.ctx, next.listen); err != nil {
		t.Fatal(err)
	}
	focus := call(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	if _, err := chromedp.Run(next.ctx, focus); err != nil {
		t.Fatal(err)
	}
	return next
}

// leave has the next test find nothing of this one.
func (b *tab) leave() {
	if b.Failed() {
		b.close()
		return
	}
	b.do(scripts(true), chromedp.Navigate("about:blank"), call(storage.ClearDataForOrigin,
		storage.ClearDataForOriginParams{Origin: b.site, StorageTypes: "all"}))
	b.console()
	select {
	case idle <- b.target:
	default:
		b.close()
	}
}

// call is a command of the protocol that answers nothing.
func call[P, R any](command cdp.Command[P, R], params P) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

func (b *target) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		for _, arg := range e.Args {
			b.said = append(b.said, fmt.Sprintf("%s: %s %s", e.Type, arg.Value, arg.Description))
		}
	case *log.EventEntryAdded: // a broken policy is one
		b.said = append(b.said, fmt.Sprintf("%s: %s (%s)", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	}
}

// console returns what the console says since it was asked last.
func (b *target) console() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said
	b.said = nil
	return said
}

// silent wants a console that says nothing.
func (b *tab) silent(where string) {
	b.Helper()
	for _, line := range b.console() {
		b.Errorf("%s: the console says: %s", where, line)
	}
}

// patience is how long a step may take. What it waits for may never come.
const patience = 2 * time.Minute

func (b *tab) do(steps ...action) {
	b.Helper()
	run(b, chromedp.Steps(steps...))
}

func run[T any](b *tab, a chromedp.Action[T]) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// eval returns the value of an expression of JavaScript, once it has one if it is a promise.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	return run(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// screen is how large a window is.
type screen struct {
	name          string
	width, height int64
	options       []chromedp.EmulateViewportOption
}

var (
	wide   = screen{"1440", 1440, 900, nil}
	narrow = screen{"390", 390, 844, []chromedp.EmulateViewportOption{chromedp.EmulateMobile, chromedp.EmulateTouch}}
)

func (b *tab) size(s screen) {
	b.Helper()
	b.do(chromedp.EmulateViewport(s.width, s.height, s.options...))
}

// scheme has the browser prefer light or dark, and nothing that moves.
func (b *tab) scheme(name string) {
	b.Helper()
	b.media("", name)
}

// scripts says whether pages may run scripts.
func scripts(may bool) action {
	return call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !may})
}

func (b *tab) media(medium, scheme string) {
	b.Helper()
	features := []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}
	b.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: medium, Features: features}))
}

// visit opens an address of the dashboard.
func (b *tab) visit(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.site + path))
}

// loads does something that loads a page, and waits for it.
func (b *tab) loads(do action) {
	b.Helper()
	run(b, chromedp.WaitEvent(page.LoadEventFired, nil, do))
}

// leads wants something to lead to an address of the dashboard.
func (b *tab) leads(to string, do action) {
	b.Helper()
	b.loads(do)
	b.at(to)
}

// at wants to be at an address of the dashboard.
func (b *tab) at(want string) {
	b.Helper()
	if got := b.address(); got != want {
		b.Fatalf("at %s, want %s", got, want)
	}
}

func (b *tab) address() string {
	b.Helper()
	return strings.TrimPrefix(run(b, chromedp.Location()), b.site)
}

// press presses keys, one after the other.
func press(keys string) action { return chromedp.KeyEvent(keys) }

func click(selector string) action { return chromedp.Click(chromedp.CSS(selector)) }

// is wants an expression of JavaScript to be true.
func (b *tab) is(expression string) {
	b.Helper()
	if !eval[bool](b, expression) {
		b.Errorf("at %s: not true: %s", b.address(), expression)
	}
}

// becomes waits until an expression of JavaScript is true.
func (b *tab) becomes(expression string) {
	b.Helper()
	b.do(chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(0)))
}

//go:embed testdata/look.js
var look string

//go:embed testdata/axe.js
var runAxe string

//go:embed testdata/thin.js
var thin string

//go:embed testdata/tabstops.js
var tabstops string

// fits wants what is on the page to fit. Tables fit as they are, or they may be scrolled.
func (b *tab) fits(where string, s screen, tables bool) {
	b.Helper()
	for _, fault := range eval[[]string](b, fmt.Sprintf("(%s)(%d, %t)", look, s.width, tables)) {
		b.Errorf("%s: %s", where, fault)
	}
}

// Rules of axe-core: everything are those of WCAG 2.2 AA, and what axe-core thinks is good
// besides; colours are those of them that ask for colours.
var (
	everything = []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"}
	colours    = []string{"color-contrast", "link-in-text-block"}
)

// judge wants axe-core to find nothing on any screen, in both schemes. What is there many
// times leaves the page.
func (b *tab) judge(where string) {
	b.Helper()
	b.do(chromedp.Evaluate[chromedp.Void]("(" + thin + ")()"))
	for _, s := range []screen{narrow, wide} {
		b.size(s)
		b.accessible(where+", "+s.name, everything...)
		b.scheme("dark") // which changes colours, and nothing else
		b.accessible(where+", "+s.name+", dark", colours...)
		b.scheme("light")
	}
}

// accessible wants axe-core to find nothing by the rules.
func (b *tab) accessible(where string, rules ...string) {
	b.Helper()
	written, err := json.Marshal(rules)
	if err != nil {
		b.Fatal(err)
	}
	for _, fault := range eval[[]string](b, fmt.Sprintf("(%s)(%q, %s)", runAxe, axePath, written)) {
		b.Errorf("%s: axe-core: %s", where, fault)
	}
}
