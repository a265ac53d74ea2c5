// Command quicksight writes the stack that shows the hub's views in Amazon QuickSight,
// deploy/cloudformation/dashboards.json. Run it in the root of the module:
//
//	go run ./deploy/quicksight
//
// sheets.txt says what is shown, a line per visual. columns.txt has the columns of the views
// that it names, as a migrated database has them; a test writes it, so that this program
// needs no database. docs/quicksight.md says how to add a visual.
package main

import (
	_ "embed"
	"fmt"
	"os"

	"github.com/hubspoke/observability/internal/generate/files"
)

// templateFile is the file that the program writes, from the root of the module.
const templateFile = "deploy/cloudformation/dashboards.json"

var (
	//go:embed sheets.txt
	sheetsText string
	//go:embed columns.txt
	columnsText string
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "quicksight:", err)
		os.Exit(1)
	}
}

func run() error {
	text, err := generate(sheetsText, columnsText)
	if err != nil {
		return err
	}
	return files.Update(".", map[string][]byte{templateFile: text}, true)
}

// generate returns the template of the stack.
func generate(sheets, columns string) ([]byte, error) {
	d, err := parse(sheets)
	if err != nil {
		return nil, err
	}
	c, err := readCatalog(columns)
	if err != nil {
		return nil, err
	}
	if err := d.check(c); err != nil {
		return nil, err
	}
	return render(d, c)
}
