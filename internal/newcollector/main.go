// Command newcollector writes the first draft of a category from the SDK's own types: its
// columns with their comments, its collector, a first recording from the SDK's snapshot of
// the operation, a simulation and two queries. People delete, rename and reword. Run it in
// the root of the module:
//
//	make collector NAME=queues FROM=sqs:ListQueues
package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/hubspoke/observability/lib/awssnapshot"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "newcollector:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New(`usage: make collector NAME=queues FROM=sqs:ListQueues

NAME is the category in the plural. FROM is a service, as the SDK for Go calls its package, and the
operation that lists the things`)
	}
	if _, err := os.Stat("go.mod"); err != nil {
		return errors.New("run it in the root of the module")
	}
	written, err := create(".", args[0], args[1])
	if written == nil {
		return err
	}
	plural := namesOf(args[0]).Plural
	fmt.Println("Written:")
	for _, path := range written {
		fmt.Println("  " + path)
	}
	commands := [][]string{{"go", "run", "./internal/generate"}}
	test := []string{"go", "test", "./producers/collectors", "-run", "Test" + plural + "$|TestActionsExist", "-update"}
	if errors.Is(err, awssnapshot.ErrNone) {
		fmt.Println("\nThe SDK has no snapshot of the operation: write the recordings in producers/collectors/testdata/" +
			args[0])
	} else {
		commands = append(commands, test)
	}
	for _, command := range commands {
		fmt.Println("$ " + strings.Join(command, " "))
		c := exec.Command(command[0], command[1:]...)
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if err := c.Run(); err != nil {
			return err
		}
	}
	fmt.Printf(`
Next, in any order:
  Delete columns that nobody asks for, rename and reword the others (schemas/%[1]s.go).
  Say in the collector what AWS hides by default, and ask for it; set Every; look up the quota of a new service.
  Make the recording what AWS says of things of yours, then: %[2]s
  Write the queries that people would ask (schemas/queries/%[1]s.sql).
  Give the simulation values that a demo can show (producers/simulate/%[1]s.go).
  rm schemas/catalog/%[1]s.json   # of the draft: make generate refuses to remove columns of a category that may be installed
  make generate
`, args[0], strings.Join(test[:4], " ")+" '"+test[4]+"' -update")
	return nil
}

var (
	nameRE = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	fromRE = regexp.MustCompile(`^[a-z0-9]+:[A-Z][A-Za-z0-9]*$`)
)

// maxName is the limit of schema.Spec.Name in bytes.
const maxName = 48

// create writes the files of the category under root, and returns their names. It never
// overwrites a file. awssnapshot.ErrNone says that there is no recording among them.
func create(root, category, from string) (written []string, err error) {
	if !nameRE.MatchString(category) || len(category) > maxName {
		return nil, fmt.Errorf("name %q is not lower case letters, digits and single underscores (at most %d), starting "+
			"with a letter",
			category, maxName)
	}
	if !fromRE.MatchString(from) {
		return nil, fmt.Errorf("%q is not service:Operation, such as sqs:ListQueues", from)
	}
	service, name, _ := strings.Cut(from, ":")
	if err := requireService(root, service); err != nil {
		return nil, err
	}
	o, err := readOperation(root, service, name)
	if err != nil {
		return nil, err
	}
	if len(o.Columns) == 0 || o.Columns[0].Kind != kindKey {
		return nil, fmt.Errorf("nothing in what %s lists has a name to be the key", name)
	}
	known, err := callsService(root, o.Signing)
	if err != nil {
		return nil, err
	}
	d := draft{names: namesOf(category), Operation: o, NewService: !known}
	files, missing := d.files()
	if missing != nil && !errors.Is(missing, awssnapshot.ErrNone) {
		return nil, missing
	}
	if err := write(root, files); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(files)), missing
}

// requireService adds the SDK's module of a service to go.mod, if it is not there.
func requireService(root, service string) error {
	list := exec.Command("go", "list", sdkPath+service)
	list.Dir = root
	if list.Run() == nil {
		return nil
	}
	get := exec.Command("go", "get", sdkPath+service)
	get.Dir = root
	if out, err := get.CombinedOutput(); err != nil {
		return fmt.Errorf("go get %s: %w\n%s", sdkPath+service, err, out)
	}
	return nil
}

// names of one category in the code.
type names struct {
	Category string // s3_buckets
	Plural   string // S3Buckets, the category in schemas and its collector
	Row      string // S3Bucket, the row type
}

// initialisms are the words that Go names write in capitals.
var initialisms = []string{
	"acm", "ami", "api", "arn", "cpu", "db", "dns", "ebs", "ec2", "ecr", "ecs", "efs", "eks", "elb", "http", "https",
	"iam", "id", "ids",
	"ip", "json", "kms", "rds", "s3", "sns", "sql", "sqs", "ssl", "ssm", "tls", "ttl", "url", "vpc", "waf",
}

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
		switch {
		case word == "ids":
			b.WriteString("IDs")
		case slices.Contains(initialisms, word):
			b.WriteString(strings.ToUpper(word))
		default:
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
