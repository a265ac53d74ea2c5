package replay

import (
	"sync"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/schema"
)

// Summary says what a replay found and did.
type Summary struct {
	// Runs that are finished in the archive; of SkippedRuns everything had been
	// applied before.
	Runs, SkippedRuns int
	// Files and Rows that were not skipped: applied, or in a dry run to be applied.
	Files int
	Rows  int64
	// SkippedFiles had been applied before, with SkippedRows.
	SkippedFiles int
	SkippedRows  int64
	// Categories that rows or ends were applied of, as the loader counts.
	Categories map[string]load.Counts
	// Bad objects that were refused, or a part of them; the first [MaxNamed] of them by name.
	Bad      []BadObject
	BadCount int
	// Unfinished runs have no manifest, the first [MaxNamed] of them by name: they are
	// being written, or their writers died.
	Unfinished      []archive.Run
	UnfinishedCount int
	// Lacking runs have parts that no file of the archive holds, because S3 refused
	// them; the first [MaxNamed] of them by name. They cannot become complete.
	Lacking      []archive.Run
	LackingCount int
	// Unknown is how many runs there are of categories that the Loader does not have.
	Unknown map[string]int
}

// BadObject is an object of the archive that was refused, whole or in part.
type BadObject struct {
	// URL of the object; "" where Detail names it.
	URL string
	// Reason as a code and Detail for people.
	Reason schema.Reason
	Detail string
}

// MaxNamed is how many objects or runs of a kind are kept by name.
const MaxNamed = 100

// Complete reports whether everything that was selected is applied, and anything was.
func (s Summary) Complete() bool {
	rejected := int64(0)
	for _, c := range s.Categories {
		rejected += c.Rejected
	}
	return s.Runs > 0 && s.BadCount == 0 && s.UnfinishedCount == 0 && s.LackingCount == 0 && len(s.Unknown) == 0 &&
		rejected == 0
}

// Total returns the sum over all categories.
func (s Summary) Total() (total load.Counts) {
	for _, c := range s.Categories {
		total.Add(c)
	}
	return total
}

// collector gathers a Summary from several goroutines.
type collector struct {
	mu sync.Mutex
	s  Summary
}

func newCollector() *collector {
	return &collector{s: Summary{Categories: map[string]load.Counts{}, Unknown: map[string]int{}}}
}

func (c *collector) summary() Summary {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.s
}

func (c *collector) bad(o BadObject) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.BadCount++
	if len(c.s.Bad) < MaxNamed {
		c.s.Bad = append(c.s.Bad, o)
	}
}

func (c *collector) unfinished(run archive.Run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.UnfinishedCount++
	if len(c.s.Unfinished) < MaxNamed {
		c.s.Unfinished = append(c.s.Unfinished, run)
	}
}

func (c *collector) unknown(runs []archive.Run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Unknown[runs[0].Category] += len(runs)
}

// planned counts a run; the files with the numbers in missing are to be applied.
func (c *collector) planned(m *archive.Manifest, missing []int, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Runs++
	if ended && len(missing) == 0 {
		c.s.SkippedRuns++
	}
	rows, all, parts := int64(0), int64(0), 0
	for _, i := range missing {
		rows += m.Files[i].Rows
	}
	for _, f := range m.Files {
		all += f.Rows
		parts += len(f.Parts)
	}
	c.s.Files += len(missing)
	c.s.Rows += rows
	c.s.SkippedFiles += len(m.Files) - len(missing)
	c.s.SkippedRows += all - rows
	if parts < m.Parts {
		c.s.LackingCount++
		if len(c.s.Lacking) < MaxNamed {
			c.s.Lacking = append(c.s.Lacking, archive.Run{Account: m.Account, Region: m.Region, Category: m.Category, ID: m.Run})
		}
	}
}

func (c *collector) applied(r load.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for category, counts := range r.Categories {
		before := c.s.Categories[category]
		before.Add(counts)
		c.s.Categories[category] = before
	}
}
