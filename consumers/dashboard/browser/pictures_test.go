package browser_test

import (
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/hubspoke/observability/lib/goldentest"
)

// pictures are those of docs/dashboard.md.
var pictures = []struct {
	name, path, scheme string
	size               screen
}{
	{"dashboard-overview.png", "/", "light", screen{width: 1440, height: 900}},
	{"dashboard-costs.png", "/costs", "dark", screen{width: 1440, height: 900}},
	{"dashboard-browse.png", "/rows/needs_attention?kind=secret", "light", screen{width: 1440, height: 700}},
}

// images is where they are.
const images = "../../../docs/images"

// TestPictures writes the pictures of the page about the dashboard with -update, and else
// wants that it shows these and no others. What is on them is for people: no test compares
// them, because fonts differ from machine to machine.
func TestPictures(t *testing.T) {
	text, err := os.ReadFile("../../../docs/dashboard.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown, made []string
	for _, m := range regexp.MustCompile(`\]\(images/([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
		shown = append(shown, m[1])
	}
	for _, p := range pictures {
		made = append(made, p.name)
	}
	if slices.Sort(shown); !slices.Equal(shown, slices.Sorted(slices.Values(made))) {
		t.Errorf("docs/dashboard.md shows %q; the test makes %q", shown, made)
	}
	if !goldentest.Updating() {
		checkPictures(t, made)
		return
	}
	w := world(t)
	b := open(t, w.handler)
	for _, p := range pictures {
		b.size(p.size)
		b.scheme(p.scheme)
		b.visit(p.path)
		path := filepath.Join(images, p.name)
		if err := os.WriteFile(path, run(b, chromedp.CaptureScreenshot()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// checkPictures wants a file for each picture, of its size, and no other file.
func checkPictures(t *testing.T, names []string) {
	t.Helper()
	entries, err := os.ReadDir(images)
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, e := range entries {
		there = append(there, e.Name())
	}
	if slices.Sort(names); !slices.Equal(there, names) {
		t.Errorf("%s has %q; the test makes %q", images, there, names)
	}
	for _, p := range pictures {
		file, err := os.Open(filepath.Join(images, p.name))
		if err != nil {
			t.Error(err)
			continue
		}
		defer file.Close()
		picture, err := png.Decode(file)
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
			continue
		}
		if size := picture.Bounds().Size(); size.X != int(p.size.width) || size.Y != int(p.size.height) {
			t.Errorf("%s is of %v, want %d by %d", p.name, size, p.size.width, p.size.height)
		}
	}
}
