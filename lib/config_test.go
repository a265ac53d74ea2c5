package lib_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/ingest"
	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/lib/stream/kcl"
	"github.com/hubspoke/observability/lib/stream/kinesis"
)

// negative returns a configuration in which all numbers are -1, with their names.
func negative[T any]() (config T, names []string) {
	v := reflect.ValueOf(&config).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.CanInt() { // durations too
			f.SetInt(-1)
			names = append(names, v.Type().Field(i).Name)
		}
	}
	return config, names
}

// wantAllNamed makes sure that one error names every number that is negative.
func wantAllNamed[T any](t *testing.T, use func(T) error) {
	t.Helper()
	config, names := negative[T]()
	if len(names) == 0 {
		t.Errorf("%T has no numbers", config)
	}
	err := use(config)
	for _, name := range names {
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(name)) {
			t.Errorf("%T: %s is negative, and that is not in the error: %v", config, name, err)
		}
	}
}

func TestConfigurationsRefuseNegativeNumbers(t *testing.T) {
	wantAllNamed(t, func(c load.Config) error { _, err := load.New(nil, c); return err })
	wantAllNamed(t, func(c refresh.Config) error { _, err := refresh.New(nil, c); return err })
	wantAllNamed(t, func(c ingest.Config) error { _, err := ingest.New(nil, c); return err })
	wantAllNamed(t, func(c collect.Config) error { _, err := collect.New(c); return err })
	wantAllNamed(t, func(c envelope.Config) error { _, err := envelope.NewPacker(c); return err })
	wantAllNamed(t, func(c kinesis.Config) error { _, err := kinesis.New(c); return err })
	wantAllNamed(t, func(c kcl.Config) error { _, err := kcl.New(c, nil); return err })
	wantAllNamed(t, func(c awsconfig.Config) error { _, err := awsconfig.Load(t.Context(), c); return err })
	wantAllNamed(t, func(c pgserver.Config) error { _, err := pgserver.Start(t.Context(), c); return err })
}
