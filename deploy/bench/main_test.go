package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
	var out bytes.Buffer
	if !report(&out, []usage{{memory: 1, limit: 1, elapsed: 1}}) || strings.Contains(out.String(), "MISSED") {
		t.Errorf("a goal that is met:\n%s", &out)
	}
	if report(&out, []usage{{memory: 2, limit: 1, elapsed: 1}, {memory: 1, limit: 1, elapsed: 1}}) ||
		!strings.Contains(out.String(), "MISSED") {
		t.Errorf("a goal that is missed:\n%s", &out)
	}
}
