package collectors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/personal"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
)

// TestPersonalColumnsOfAllCategories: of every marked column of every category nothing is left
// by hash, nor by drop where it is no key; all other columns stay as they are.
func TestPersonalColumnsOfAllCategories(t *testing.T) {
	policies := map[string]*personal.Policy{}
	for name, contact := range map[string]personal.Action{"hash": personal.Hash, "drop": personal.Drop} {
		policy, err := personal.New(personal.Config{Key: bytes.Repeat([]byte("k"), personal.MinKey),
			Actions: map[schema.Personal]personal.Action{
				schema.Contact: contact, schema.Network: contact, schema.FreeText: contact, schema.Identity: personal.Hash,
			}})
		if err != nil {
			t.Fatal(err)
		}
		policies[name] = policy
	}
	marked := 0
	for _, c := range All() {
		table := c.Table()
		row := canaryRow(t, table)
		for name, policy := range policies {
			columns, err := policy.For(table)
			if err != nil {
				t.Error(err)
				continue
			}
			if columns == nil {
				continue
			}
			got := applied(t, table, columns, row)
			for i, column := range table.Columns() {
				value, hidden := got[column.Name], column.Personal != ""
				switch {
				case hidden && strings.Contains(string(value), "canary"):
					t.Errorf("%s: %s.%s is sent as it is: %s", name, table.Name(), column.Name, value)
				case hidden && columns.Action(i) == personal.Hash && !strings.HasPrefix(string(value), `"h1_`):
					t.Errorf("%s: %s.%s has no pseudonym: %s", name, table.Name(), column.Name, value)
				case hidden && columns.Action(i) == personal.Drop && value != nil:
					t.Errorf("%s: %s.%s is not dropped: %s", name, table.Name(), column.Name, value)
				case !hidden && string(value) != string(row[column.Name]):
					t.Errorf("%s: %s.%s is %s, want %s", name, table.Name(), column.Name, value, row[column.Name])
				}
				if hidden {
					marked++
				}
			}
		}
	}
	if marked < 2*30 {
		t.Errorf("only %d columns are marked", marked/2)
	}
}

// canaryRow returns a row of a category with a value in each column.
func canaryRow(t *testing.T, table *schema.Table) map[string]json.RawMessage {
	t.Helper()
	values := map[schema.Kind]string{
		schema.KindText: `"canary"`, schema.KindInt64: "1", schema.KindFloat64: "1.5", schema.KindDecimal: `"1.5"`,
		schema.KindBool: "true", schema.KindTimestamp: `"2026-01-02T03:04:05Z"`, schema.KindDate: `"2026-01-02"`,
	}
	row := map[string]json.RawMessage{}
	for _, c := range table.Columns() {
		value := values[c.Kind]
		switch {
		case c.Kind != schema.KindJSON:
		case c.Shape == schema.Array:
			value = `["canary"]`
		default:
			value = `{"a":"canary"}`
		}
		if value == "" {
			t.Fatalf("%s.%s has kind %s, and the test no value of it", table.Name(), c.Name, c.Kind)
		}
		row[c.Name] = json.RawMessage(value)
	}
	return row
}

// applied returns a row as it is sent.
func applied(t *testing.T, table *schema.Table, columns *personal.Columns,
	row map[string]json.RawMessage) map[string]json.RawMessage {
	t.Helper()
	line, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	slice := ""
	if i := table.SliceColumn(); i >= 0 {
		slice = strings.Trim(string(row[table.Columns()[i].Name]), `"`)
	}
	decoder := rowjson.NewDecoder(table, nil)
	defer decoder.Release()
	if err := decoder.Append(line, slice); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", table.Name(), err))
	}
	rec := decoder.Record()
	defer rec.Release()
	out := columns.Apply(rec)
	defer out.Release()
	encoder, err := rowjson.NewEncoder(table, out)
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string]json.RawMessage{}
	if err := json.Unmarshal(encoder.AppendRow(nil, 0), &sent); err != nil {
		t.Fatal(err)
	}
	return sent
}
