package program

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/jedib0t/go-pretty/v6/table"
)

// ConfigCommand shows the settings of a command and where they come from, to be a command
// of a program's arguments. Values of flags with the tag secret are not shown.
type ConfigCommand struct {
	OutputFlag
	Command []string `arg:"" optional:"" passthrough:"" help:"Command with its arguments, as they would be given to run it. Defaults to ${service}."`
}

// Help is shown by `config -h`.
func (ConfigCommand) Help() string {
	return `A flag wins over its variable, and a variable over the default. A variable that looks like a
setting and is none is named at the end, with the setting that it may stand for; Kubernetes' own
variables for a service of the program's name are passed over.

Nothing is started, and AWS is not asked. Exit codes: 0 all variables are settings, 2 the command
would refuse its settings, 3 some variables are no settings.`
}

// Origins of a value.
const (
	fromFlag        = "flag"
	fromEnvironment = "environment"
	fromDefault     = "default"
)

// setting is one setting as `-o json` prints it: an interface, add only.
type setting struct {
	Flag string `json:"flag"`
	// Variable that sets it, of several the one that does.
	Variable string `json:"variable,omitempty"`
	// Value as it would be given; "set" for a secret that has one.
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

// configJSON is what is printed: an interface, add only.
type configJSON struct {
	Command  string            `json:"command"`
	Settings []setting         `json:"settings"`
	Unknown  []unknownVariable `json:"unknown"`
}

// Run prints the settings.
func (c ConfigCommand) Run(p Program, k *kong.Context) error {
	args := c.Command
	if len(args) == 0 {
		args = []string{p.Service}
	}
	// Another instance of the arguments: this one has the settings of config.
	arguments, exited := reflect.New(k.Model.Target.Type()).Interface(), false
	parser := p.parser(arguments, func(int) { exited = true })
	command, err := parser.Parse(args)
	if exited {
		return nil // its help was asked for
	}
	if err == nil {
		err = checkNumbers(command.Flags())
	}
	if err != nil {
		return Usagef("%s: %w", strings.Join(args, " "), err)
	}
	shown := configJSON{Command: command.Command(), Settings: settingsOf(command),
		Unknown: unknownVariables(k.Model, p.prefix())}
	if c.JSON() {
		err = WriteJSON(p.Stdout, shown)
	} else {
		shown.print(p)
	}
	if n := len(shown.Unknown); n > 0 {
		err = errors.Join(err, Partlyf("%d variables are no settings: mend their names, or unset them", n))
	}
	return err
}

// settingsOf returns the settings of a command that was parsed, in the order of its help.
func settingsOf(command *kong.Context) (settings []setting) {
	for _, flag := range command.Flags() {
		if flag.Name == "help" || flag.Name == "version" {
			continue
		}
		s := setting{Flag: "--" + flag.Name, Value: valueOf(flag), Origin: fromDefault}
		if len(flag.Envs) > 0 {
			s.Variable = flag.Envs[0]
		}
		if i := slices.IndexFunc(flag.Envs, isSet); i >= 0 { // of several the first counts
			s.Variable, s.Origin = flag.Envs[i], fromEnvironment
		}
		if slices.ContainsFunc(command.Path, func(e *kong.Path) bool { return e.Flag == flag && !e.Resolved }) {
			s.Origin = fromFlag
		}
		settings = append(settings, s)
	}
	return settings
}

func isSet(variable string) bool {
	_, ok := os.LookupEnv(variable)
	return ok
}

func (c configJSON) print(p Program) {
	t := NewTable(p.Stdout, "setting", "value", "from", "variable")
	for _, s := range c.Settings {
		t.AppendRow(table.Row{s.Flag, OneLine(s.Value), s.Origin, s.Variable})
	}
	t.Render()
	for _, v := range c.Unknown {
		fmt.Fprintln(p.Stdout, Wrap(p.Stdout, Visible(fmt.Sprintf("%s is not a setting; %s is", v.Name, v.Nearest)), "  "))
	}
}

// valueOf returns the value of a flag as it would be given, without secrets.
func valueOf(flag *kong.Flag) string {
	switch {
	case flag.Target.IsZero() && !flag.HasDefault && flag.Target.Kind() != reflect.Bool:
		return "" // not given
	case flag.Tag.Has("secret"):
		return "set"
	}
	return withoutPassword(textOf(flag.Target))
}

// textOf returns a value as it would be given.
func textOf(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Slice:
		var parts []string
		for i := range v.Len() {
			parts = append(parts, textOf(v.Index(i)))
		}
		return strings.Join(parts, ",")
	case reflect.Map:
		var parts []string
		for _, key := range v.MapKeys() {
			parts = append(parts, fmt.Sprintf("%v=%s", key.Interface(), textOf(v.MapIndex(key))))
		}
		slices.Sort(parts)
		return strings.Join(parts, ",")
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return textOf(v.Elem())
	}
	return fmt.Sprint(v.Interface())
}

// Passwords in a connection string of libpq, and in what looks like a URL.
var (
	passwordRE    = regexp.MustCompile(`(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)`)
	urlPasswordRE = regexp.MustCompile(`(://[^:@/]*:).*@`)
)

const masked = "xxxxx"

// withoutPassword masks the passwords in a URL, which may be malformed, or in a connection
// string.
func withoutPassword(text string) string {
	text = urlPasswordRE.ReplaceAllString(text, "${1}"+masked+"@")
	return passwordRE.ReplaceAllString(text, "${1}"+masked)
}
