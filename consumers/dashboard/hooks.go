package dashboard

import "time"

// Hooks are told what is done, for metrics. They are called from several goroutines. Nil ones
// are not called.
type Hooks struct {
	// Answered is told of each page and file by the name of its page (browse, search and
	// others stand for those that are not declared), and how long it took.
	Answered func(page string, took time.Duration)
	// Queried is told of each query of a page: by the name of its panel, or badge, names and
	// filters.
	Queried func(page, panel string, took time.Duration)
	// Refused is told of each request that is not answered, by the reason.
	Refused func(reason string)
	// Exported is told of each file, and how many rows it has.
	Exported func(rows int)
}

// filled returns the hooks with none that is nil.
func (h Hooks) filled() Hooks {
	if h.Answered == nil {
		h.Answered = func(string, time.Duration) {}
	}
	if h.Queried == nil {
		h.Queried = func(string, string, time.Duration) {}
	}
	if h.Refused == nil {
		h.Refused = func(string) {}
	}
	if h.Exported == nil {
		h.Exported = func(int) {}
	}
	return h
}
