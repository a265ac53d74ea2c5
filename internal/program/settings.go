package program

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"
	"github.com/prometheus/common/model"
)

// ParseDuration parses a duration as time.ParseDuration does, and such as 8d and 1d12h.
func ParseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil {
		return d, nil
	}
	amount, negative := strings.CutPrefix(text, "-")
	days, err := model.ParseDuration(amount)
	switch {
	case err == nil && negative:
		return -time.Duration(days), nil
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration, such as 90s, 36h or 8d", text)
	}
	return time.Duration(days), nil
}

// durations reads the values of flags and variables that are durations.
var durations = kong.TypeMapper(reflect.TypeFor[time.Duration](),
	kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
			return err
		}
		d, err := ParseDuration(text)
		if err == nil {
			target.SetInt(int64(d))
		}
		return err
	}))

const (
	// maxNumber is the most that a number can be, unless its tag max says otherwise.
	maxNumber = 1_000_000
	// maxDuration is the longest duration.
	maxDuration = 10 * 365 * 24 * time.Hour
)

// checkNumbers refuses negative and absurd numbers and durations. Zero is the
// default of a flag that has one.
func checkNumbers(flags []*kong.Flag) error {
	for _, flag := range flags {
		if err := checkNumber(flag); err != nil {
			return fmt.Errorf("--%s %w", flag.Name, err)
		}
	}
	return nil
}

func checkNumber(flag *kong.Flag) error {
	var value, most float64
	switch n := flag.Target.Interface().(type) {
	case time.Duration:
		value, most = float64(n), float64(maxDuration)
	case int:
		value, most = float64(n), maxNumber
	case int64:
		value, most = float64(n), maxNumber
	case float64:
		value, most = n, maxNumber
	default:
		return nil
	}
	if flag.Tag.Has("max") {
		var err error
		if most, err = flag.Tag.GetFloat("max"); err != nil {
			panic(err) // a mistake in the declaration of arguments
		}
	}
	switch {
	case value < 0:
		return fmt.Errorf("must not be negative")
	case value <= most: // not a number is not
	case flag.Target.Type() == reflect.TypeFor[time.Duration]():
		return fmt.Errorf("must be at most %d days", time.Duration(most)/(24*time.Hour))
	default:
		return fmt.Errorf("must be at most %.0f", most)
	}
	if value == 0 && flag.HasDefault {
		token := kong.Token{Type: kong.FlagValueToken, Value: flag.Default}
		return flag.Parse(kong.ScanFromTokens(token), flag.Target)
	}
	return nil
}

// unknownVariable is a variable of the environment that looks like a setting of the
// program and is none.
type unknownVariable struct {
	Name string `json:"name"`
	// Nearest is the setting with the most similar name.
	Nearest string `json:"nearest"`
}

// unknownVariables returns the variables that begin with prefix and an underscore and are
// settings of no command, by name. What Kubernetes sets for a service of such a name is
// none of them.
func unknownVariables(app *kong.Application, prefix string) (unknown []unknownVariable) {
	var known []string
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known = append(known, flag.Envs...)
		}
		return next(nil)
	})
	for _, entry := range slices.Sorted(slices.Values(os.Environ())) {
		name, _, _ := strings.Cut(entry, "=")
		rest, ours := strings.CutPrefix(name, prefix+"_")
		if ours && !slices.Contains(known, name) && !kubernetesRE.MatchString(rest) {
			unknown = append(unknown, unknownVariable{name, Nearest(name, known)})
		}
	}
	return unknown
}

// kubernetesRE matches the end of variables that Kubernetes sets in every container for
// each service of the namespace, as SPOKE_SERVICE_HOST for one that is named spoke:
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
var kubernetesRE = regexp.MustCompile(`^([A-Z0-9_]+_)?` +
	`(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// Nearest returns which of names takes the fewest changes to become name. There is at least
// one of them.
func Nearest(name string, names []string) string {
	return slices.MinFunc(names, func(a, b string) int {
		return levenshtein.ComputeDistance(name, a) - levenshtein.ComputeDistance(name, b)
	})
}

// BucketName is the name of an S3 bucket. As a flag it may also be written as s3://name.
type BucketName string

// UnmarshalText takes the name, or its URL without a key.
func (b *BucketName) UnmarshalText(text []byte) error {
	name, isURL := strings.CutPrefix(string(text), "s3://")
	if isURL {
		name = strings.TrimSuffix(name, "/")
	}
	if name == "" || strings.ContainsAny(name, "/:") {
		return fmt.Errorf("%q is not the name of a bucket; a prefix is a setting of its own", text)
	}
	*b = BucketName(name)
	return nil
}
