package rowjson_test

import (
	"strings"
	"testing"

	"github.com/hubspoke/observability/internal/fixture"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
)

func TestNewEncoderRefusesAnotherSchema(t *testing.T) {
	type first struct {
		ID   string      `col:"id,key"`
		Data schema.JSON `col:"data"`
	}
	type renamed struct {
		ID   string      `col:"id,key"`
		Date schema.JSON `col:"date"`
	}
	type retyped struct {
		ID   string  `col:"id,key"`
		Data *string `col:"data"` // also utf8 in Arrow
	}
	spec := schema.Spec{Name: "x", Mode: schema.Snapshot}
	rec := decode(t, schema.Of[first](spec).Table, `{"id":"a"}`)
	for name, table := range map[string]*schema.Table{
		"renamed": schema.Of[renamed](spec).Table, "retyped": schema.Of[retyped](spec).Table,
		"longer": fixture.Category.Table,
	} {
		if _, err := rowjson.NewEncoder(table, rec); err == nil || !strings.Contains(err.Error(), "category "+table.Name()) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAppendRowAppends(t *testing.T) {
	e, err := rowjson.NewEncoder(items.Table, decode(t, items.Table, "{"+minimal+"}"))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(e.AppendRow([]byte("before "), 0)); !strings.HasPrefix(got, `before {"id":"a",`) {
		t.Errorf("got %s", got)
	}
}
