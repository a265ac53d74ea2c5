// Command grafana writes the pages of the hub's dashboard for Grafana, a file each, in
// deploy/grafana/dashboards. Run it in the root of the module:
//
//	go run ./deploy/grafana
//
// columns.txt has the columns of each panel and their types, as a migrated database has
// them; a test writes it, so that this program needs no database. docs/grafana.md says how
// the files are used.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/hubspoke/observability/consumers/dashboard/page"
	"github.com/hubspoke/observability/consumers/dashboard/pages"
	"github.com/hubspoke/observability/internal/generate/files"
)

const directory = "deploy/grafana/dashboards/"

//go:embed columns.txt
var columnsText string

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "grafana:", err)
		os.Exit(1)
	}
}

// run writes the dashboards of the module that has the given root.
func run(root string) error {
	all, err := generate(pages.All(), columnsText)
	if err != nil {
		return err
	}
	return errors.Join(files.Update(root, all, true), files.Extra(root, directory+"*.json", all, true))
}

// generate returns the files of the dashboards by their paths.
func generate(all []page.Page, columns string) (map[string][]byte, error) {
	known := readColumns(columns)
	written := map[string][]byte{}
	for _, p := range all {
		d, err := builder{all, known, p}.dashboard()
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", p.Name, err)
		}
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(d); err != nil {
			return nil, err
		}
		written[directory+p.Name+".json"] = b.Bytes()
	}
	return written, nil
}
