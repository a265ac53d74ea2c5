package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAProgramThatEndsByItselfIsNoticed(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := start(exec.Command("sh", "-c", "exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := awaitRun(t.Context(), p, log, 1); err == nil ||
		!strings.Contains(err.Error(), "ended by itself (exit status 3)") {
		t.Errorf("got %v", err)
	}
	if err := p.stop(); err == nil {
		t.Error("its failure is forgotten")
	}
}

func TestAMissedGoalIsReported(t *testing.T) {
	met := usage{memory: 1, limit: 1, elapsed: 1, count: 1, goal: 1}
	for name, test := range map[string]struct {
		figures []figure
		met     bool
	}{
		"met":    {append(met.figures(), atMost("time", 1, 1)), true},
		"memory": {usage{memory: 2, limit: 1, elapsed: 1}.figures(), false},
		"rate":   {usage{memory: 1, limit: 1, elapsed: time.Second, count: 1, goal: 2}.figures(), false},
		"time":   {append([]figure{atMost("time", 2, 1)}, met.figures()...), false},
	} {
		var out bytes.Buffer
		if report(&out, test.figures) != test.met || strings.Contains(out.String(), "MISSED") == test.met {
			t.Errorf("%s:\n%s", name, &out)
		}
	}
}
