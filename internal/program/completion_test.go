package program_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/hubspoke/observability/internal/program"
)

type completedArguments struct {
	Say  sayCommand `cmd:"" help:"Say it."`
	Many struct {
		List struct {
			State []string `enum:"open,closed" default:"open" help:"Which."`
			Fast  bool     `negatable:"" help:"It isn't slow."`
		} `cmd:"" help:"List."`
	} `cmd:"" help:"Many things."`
	Completion program.CompletionCommand `cmd:"" help:"Complete."`
}

func completionScript(t *testing.T, shell string) string {
	t.Helper()
	var out, log bytes.Buffer
	p := program.Program{Name: "prog", Stdout: &out, Stderr: &log}
	if code := p.Run(t.Context(), new(completedArguments), []string{"completion", shell}); code != program.ExitDone {
		t.Fatalf("exit code %d: %s", code, &log)
	}
	return out.String()
}

func TestCompletionInBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err)
	}
	script := completionScript(t, "bash")
	for line, want := range map[string]string{
		"prog ":                       "say many completion --help",
		"prog s":                      "say",
		"prog many ":                  "list --help",
		"prog many list --":           "--help --state --fast --no-fast",
		"prog say -o ":                "table json",
		"prog say --fail partly --na": "--name",
		"prog many list --state o":    "open",
		"prog say --name ":            "",
		"prog completion ":            "bash zsh fish --help",
	} {
		words := strings.Split(line, " ")
		ask := script + "\nCOMP_WORDS=('" + strings.Join(words, "' '") +
			"')\nCOMP_CWORD=$((${#COMP_WORDS[@]}-1))\n_prog\necho \"${COMPREPLY[@]}\""
		out, err := exec.Command(bash, "-c", ask).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%q: %q, want %q (%v)", line, got, want, err)
		}
	}
}

func TestCompletionInOtherShells(t *testing.T) {
	for shell, wants := range map[string][]string{
		"zsh": {"#compdef prog", "'many list' | 'completion') command=$next ;;",
			"'say --output' | 'say -o') candidates='table json' ;;", "compdef _prog prog"},
		"fish": {"complete -c prog -n \"__prog_at 'many'\" -a list -d 'List.'", "-l state -xa 'open closed' -d 'Which.'",
			"-l no-fast -d 'It isn’t slow.'", "-a 'bash zsh fish'"},
	} {
		script := completionScript(t, shell)
		for _, want := range wants {
			if !strings.Contains(script, want) {
				t.Errorf("%s: %s is missing in\n%s", shell, want, script)
			}
		}
		if path, err := exec.LookPath(shell); err == nil {
			if out, err := exec.Command(path, "-n", "-c", script).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", shell, err, out)
			}
		}
	}
}
