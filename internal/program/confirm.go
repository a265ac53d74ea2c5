package program

import (
	"bufio"
	"fmt"
	"strings"

	"golang.org/x/term"
)

// Confirm asks a question on standard error, and returns an error unless the answer
// is the one wanted. Where standard input is no terminal nobody can be asked: the
// error, a UsageError, names the flag --yes.
func (p Program) Confirm(question, want string) error {
	if p.Stdin == nil || !term.IsTerminal(int(p.Stdin.Fd())) {
		return Usagef("standard input is no terminal, so that nobody can be asked: give --yes")
	}
	fmt.Fprint(p.Stderr, Wrap(p.Stderr, question, ""), " ")
	answer, err := bufio.NewReader(p.Stdin).ReadString('\n')
	if strings.TrimSpace(answer) != want || err != nil {
		return Usagef("not confirmed; nothing was done")
	}
	return nil
}
