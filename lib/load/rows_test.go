package load_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/hubspoke/observability/lib/load"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// narrow and wide are a category before and after it got a column.
type narrow struct {
	ID    string      `col:"id,key"`
	Label *string     `col:"label"`
	Size  *int64      `col:"size"`
	Tags  schema.JSON `col:"tags"`
}

type wide struct {
	ID    string      `col:"id,key"`
	Note  *string     `col:"note"`
	Label *string     `col:"label"`
	Size  *int64      `col:"size"`
	Tags  schema.JSON `col:"tags"`
}

var hashedScope = schema.Scope{Category: "things", Account: "111111111111", Region: "eu-central-1"}

// identityOf returns the key and the hash of one row.
func identityOf[T any](t *testing.T, row T) (key, hash []byte) {
	t.Helper()
	category := schema.Of[T](schema.Spec{Name: "things", Mode: schema.Snapshot})
	a := rows.NewAppender(category, nil)
	defer a.Release()
	if err := a.Append(&row); err != nil {
		t.Fatal(err)
	}
	record := a.Record()
	defer record.Release()
	return load.Identify(category.Table, record, hashedScope)
}

func to[V any](v V) *V { return &v }

// Keys and hashes are stored: another version of this program must compute the
// same, or it would find every row changed.
func TestIdentityIsForEver(t *testing.T) {
	key, hash := identityOf(t, narrow{"a", to("x"), to(int64(7)), schema.JSON(`{"b":1,"a":[]}`)})
	if got := hex.EncodeToString(key); got != "66f4a54f53c2c52a2479e977276ba470" {
		t.Errorf("key %s", got)
	}
	if got := hex.EncodeToString(hash); got != "5f4981418269a0ad7998029f901b8c37" {
		t.Errorf("hash %s", got)
	}
}

// All of a key depends on the account and the region: what a sender finds out about
// one scope tells nothing about the keys of another.
func TestKeysOfOtherScopesShareNothing(t *testing.T) {
	key, _ := identityOf(t, narrow{"a", nil, nil, nil})
	for _, other := range []schema.Scope{
		{Category: "things", Account: "222222222222", Region: "eu-central-1"},
		{Category: "things", Account: "111111111111", Region: "eu-central-2"},
	} {
		category := schema.Of[narrow](schema.Spec{Name: "things", Mode: schema.Snapshot})
		a := rows.NewAppender(category, nil)
		if err := a.Append(&narrow{"a", nil, nil, nil}); err != nil {
			t.Fatal(err)
		}
		record := a.Record()
		keys, _ := load.Identify(category.Table, record, other)
		if bytes.Equal(keys[:6], key[:6]) || bytes.Equal(keys[6:], key[6:]) {
			t.Errorf("%v: key %x, that of %v is %x", other, keys, hashedScope, key)
		}
		record.Release()
		a.Release()
	}
}

func TestNewNullColumnChangesNoHash(t *testing.T) {
	_, before := identityOf(t, narrow{"a", to("x"), nil, nil})
	if _, after := identityOf(t, wide{"a", nil, to("x"), nil, nil}); !bytes.Equal(before, after) {
		t.Errorf("hash %x, with a new column %x", before, after)
	}
	if _, moved := identityOf(t, wide{"a", to("x"), nil, nil, nil}); bytes.Equal(before, moved) {
		t.Error("the same text in another column has the same hash")
	}
}

func TestHashesDiffer(t *testing.T) {
	seen := map[string]narrow{}
	for _, row := range []narrow{
		{"a", nil, nil, nil},
		{"a", to(""), nil, nil},
		{"a", to("x"), nil, nil},
		{"a", nil, to(int64(0)), nil},
		{"a", to("x"), to(int64(0)), nil},
		{"a", nil, nil, schema.JSON(`"x"`)},
		{"a", nil, nil, schema.JSON(`{}`)},
	} {
		_, hash := identityOf(t, row)
		if same, twice := seen[string(hash)]; twice {
			t.Errorf("%+v and %+v have the same hash", row, same)
		}
		seen[string(hash)] = row
	}
}
