package faultyconn

import (
	"bytes"
	"math/rand/v2"
	"sync"
)

// Random decides at random where connections are cut, until it has cut often
// enough at every kind of place. It is safe for concurrent use.
type Random struct {
	mu   sync.Mutex
	rand *rand.Rand
	left map[string]int
}

// NewRandom returns a Random that cuts each times at every kind of place. The same
// seed makes the same decisions if it is asked the same questions.
func NewRandom(seed uint64, each int) *Random {
	return &Random{
		rand: rand.New(rand.NewPCG(seed, 1)),
		left: map[string]int{"in COPY": each, "before COMMIT's reply": each, "after COMMIT": each, "elsewhere": each},
	}
}

// Left returns how many cuts are still to come, by the kind of place.
func (r *Random) Left() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := map[string]int{}
	for kind, n := range r.left {
		if n > 0 {
			left[kind] = n
		}
	}
	return left
}

// Decide is what [Wrap] takes.
func (r *Random) Decide(m Message) Cut {
	r.mu.Lock()
	defer r.mu.Unlock()
	somewhere := Inside(r.rand.IntN(len(m.Payload) + 6))
	commit := m.Type == Query && bytes.HasPrefix(m.Payload, []byte("commit"))
	switch {
	case m.Type == CopyData:
		return r.cut("in COPY", 0.3, somewhere)
	case commit && r.rand.IntN(2) == 0:
		return r.cut("before COMMIT's reply", 0.5, Reply)
	case commit:
		return r.cut("after COMMIT", 0.5, After)
	}
	return r.cut("elsewhere", 0.02, []Cut{somewhere, After, Reply}[r.rand.IntN(3)])
}

func (r *Random) cut(kind string, probability float64, where Cut) Cut {
	if r.left[kind] == 0 || r.rand.Float64() >= probability {
		return Not
	}
	r.left[kind]--
	return where
}
