package program

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/alecthomas/kong"
)

// CompletionCommand prints a script that completes the commands, flags and values
// of a program in a shell, to be a command of its arguments.
type CompletionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"${enum}."`
}

// Help is shown by `completion -h`.
func (CompletionCommand) Help() string {
	return `Put one of these lines, with the program's name, into the start-up file of your shell:

  source <(NAME completion bash)      ~/.bashrc
  source <(NAME completion zsh)       ~/.zshrc, after compinit
  NAME completion fish | source       ~/.config/fish/config.fish`
}

//go:embed completion.tmpl
var completionText string

var completionTemplate = template.Must(template.New("").Funcs(template.FuncMap{
	"join": strings.Join,
	// quote makes text a word of a shell.
	"quote": func(s string) string { return "'" + strings.NewReplacer("'", "’", `\`, "/").Replace(s) + "'" },
}).Parse(completionText))

// Run prints the script.
func (c CompletionCommand) Run(p Program, k *kong.Context) error {
	return writeCompletion(p.Stdout, c.Shell, p.Name, k.Model.Node)
}

// completer is a command that knows values of its first argument.
type completer interface{ Completions() []string }

// completed is a command, or the program itself, with what may follow it.
type completed struct {
	Path     string // of names, "" for the program
	Commands []completedWord
	Flags    []completedFlag
	Values   []string // of its argument
}

type completedWord struct{ Name, Help string }

type completedFlag struct {
	completedWord
	Short  string
	Takes  bool // a value
	Values []string
}

func writeCompletion(w io.Writer, shell, name string, root *kong.Node) error {
	return completionTemplate.ExecuteTemplate(w, shell, map[string]any{
		"Name": name, "Function": "_" + strings.ReplaceAll(name, "-", "_"), "Nodes": completedNodes(root, ""),
	})
}

func completedNodes(node *kong.Node, path string) []completed {
	c := completed{Path: path}
	nodes := []completed{}
	for _, child := range node.Children {
		if child.Hidden {
			continue
		}
		c.Commands = append(c.Commands, completedWord{child.Name, child.Help})
		nodes = append(nodes, completedNodes(child, strings.TrimSpace(path+" "+child.Name))...)
	}
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			flag := completedFlag{completedWord: completedWord{f.Name, f.Help}, Takes: !f.IsBool() && !f.IsCounter()}
			if f.Short != 0 {
				flag.Short = string(f.Short)
			}
			if f.Enum != "" {
				flag.Values = f.EnumSlice()
			}
			c.Flags = append(c.Flags, flag)
			if f.Tag.Negatable != "" {
				c.Flags = append(c.Flags, completedFlag{completedWord: completedWord{fmt.Sprintf("no-%s", f.Name), f.Help}})
			}
		}
	}
	for _, argument := range node.Positional {
		if argument.Enum != "" {
			c.Values = append(c.Values, argument.EnumSlice()...)
		}
	}
	if node.Target.CanAddr() {
		if command, ok := node.Target.Addr().Interface().(completer); ok {
			c.Values = append(c.Values, command.Completions()...)
		}
	}
	return append([]completed{c}, nodes...)
}

// Candidates are the words that may follow.
func (c completed) Candidates() []string {
	var words []string
	for _, command := range c.Commands {
		words = append(words, command.Name)
	}
	words = append(words, c.Values...)
	for _, f := range c.Flags {
		words = append(words, "--"+f.Name)
	}
	return words
}
