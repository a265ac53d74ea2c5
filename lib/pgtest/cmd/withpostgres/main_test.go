package main

import (
	"os"
	"testing"
)

func TestRun(t *testing.T) {
	t.Setenv(urlVariable, "") // restores it afterwards
	if code := run(t.Context(), []string{"sh", "-c", `test -n "$DATABASE_URL" && exit 7`}); code != 7 {
		t.Errorf("exit code %d, want the command's 7", code)
	}
	os.Setenv(urlVariable, "given")
	if code := run(t.Context(), []string{"sh", "-c", `test "$DATABASE_URL" = given`}); code != 0 {
		t.Error("a server that is given is not used")
	}
	if code := run(t.Context(), []string{"/no/such/command"}); code != 1 {
		t.Errorf("exit code %d for a command that does not exist, want 1", code)
	}
}
