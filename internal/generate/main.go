// Command generate writes everything that is derived from the declarations of the
// categories. Run it in the root of the module:
//
//	go run ./internal/generate
//
// It writes the lists of categories in Go, from their syntax alone, and then runs
// internal/generate/documents, which is compiled with them: the catalog, the statements
// of the tables, the reference pages and the policy of a spoke, and deploy/quicksight and
// deploy/grafana, which write dashboards. Tests fail when a file is stale.
package main

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/hubspoke/observability/internal/generate/files"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	lists, err := renderLists(".")
	if err != nil {
		return err
	}
	if err := files.Update(".", lists, true); err != nil {
		return err
	}

	for _, program := range []string{"./internal/generate/documents", "./deploy/quicksight", "./deploy/grafana"} {
		command := exec.Command("go", "run", program)
		command.Stdout, command.Stderr = os.Stdout, os.Stderr
		if err := command.Run(); err != nil {
			return fmt.Errorf("%s: %w", program, err)
		}
	}
	return nil
}
