// Command newcollector writes the skeleton of a new category and its collector,
// and prints what is left to do. Run it in the root of the module:
//
//	go run ./producers/internal/newcollector s3_buckets
package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./producers/internal/newcollector NAME\n\nNAME is the category in the plural, such as s3_buckets.")
		os.Exit(2)
	}
	if _, err := os.Stat("go.mod"); err != nil {
		fmt.Fprintln(os.Stderr, "newcollector: run it in the root of the module")
		os.Exit(2)
	}
	next, err := create(".", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "newcollector:", err)
		os.Exit(1)
	}
	fmt.Print(next)
}

//go:embed templates
var templates embed.FS

var nameRE = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// maxName is the limit of schema.Spec.Name in bytes.
const maxName = 48

// names of one category in the code.
type names struct {
	Category string // s3_buckets
	Plural   string // S3Buckets, the category in schemas and its collector
	Row      string // S3Bucket, the row type
}

// create writes the files of the category under root, and returns the next steps.
// It never overwrites a file.
func create(root, category string) (next string, err error) {
	if !nameRE.MatchString(category) || len(category) > maxName {
		return "", fmt.Errorf("name %q is not lower case letters, digits and single underscores (at most %d), starting with a letter", category, maxName)
	}
	n := namesOf(category)
	files := []struct{ template, path string }{
		{"schema.go.tmpl", "schemas/" + category + ".go"},
		{"queries.sql.tmpl", "schemas/queries/" + category + ".sql"},
		{"collector.go.tmpl", "producers/collectors/" + category + ".go"},
		{"pages.txtar.tmpl", "producers/collectors/testdata/" + category + "/pages.txtar"},
	}
	contents := make([][]byte, len(files))
	for i, file := range files {
		if _, err := os.Stat(filepath.Join(root, file.path)); !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s exists already", file.path)
		}
		if contents[i], err = render(file.template, n); err != nil {
			return "", err
		}
	}
	for i, file := range files {
		path := filepath.Join(root, file.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, contents[i], 0o644); err != nil {
			return "", err
		}
	}
	steps, err := render("next.txt.tmpl", n)
	return string(steps), err
}

func render(name string, n names) ([]byte, error) {
	t, err := template.ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, n); err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, ".go.tmpl") {
		return format.Source(b.Bytes())
	}
	return b.Bytes(), nil
}

// initialisms are the words that Go names write in capitals.
var initialisms = []string{"acm", "api", "ami", "arn", "ebs", "ec2", "ecr", "ecs", "efs", "eks", "elb", "iam", "id", "kms", "rds", "s3", "sns", "sqs", "ssm", "vpc", "waf"}

func namesOf(category string) names {
	words := strings.Split(category, "_")
	n := names{Category: category, Plural: camel(words)}
	last := len(words) - 1
	words[last] = singular(words[last])
	if n.Row = camel(words); n.Row == n.Plural {
		n.Row += "Row"
	}
	return n
}

func camel(words []string) string {
	var b strings.Builder
	for _, word := range words {
		if slices.Contains(initialisms, word) {
			b.WriteString(strings.ToUpper(word))
		} else {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

func singular(word string) string {
	if stem, ok := strings.CutSuffix(word, "ies"); ok {
		return stem + "y"
	}
	if strings.HasSuffix(word, "ss") || word == "s" {
		return word
	}
	return strings.TrimSuffix(word, "s")
}
