package personal_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/hubspoke/observability/lib/personal"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

type user struct {
	ARN     string      `col:"arn,key,personal=identity"`
	Name    *string     `col:"name,personal=identity"`
	Email   *string     `col:"email,personal=contact"`
	Others  schema.JSON `col:"others,array,personal=contact"`
	Address *string     `col:"address,personal=network"`
	Size    *int64      `col:"size_bytes"`
	Tags    schema.JSON `col:"tags"`
}

type plain struct {
	ID string `col:"id,key"`
}

type sliced struct {
	Owner string  `col:"owner,key,slice,personal=contact"`
	Name  *string `col:"name"`
}

var (
	users  = schema.Of[user](schema.Spec{Name: "users", Mode: schema.Snapshot})
	plains = schema.Of[plain](schema.Spec{Name: "plains", Mode: schema.Snapshot})
	bySelf = schema.Of[sliced](schema.Spec{Name: "slices", Mode: schema.Snapshot})
	key    = bytes.Repeat([]byte("k"), personal.MinKey)
)

func policy(t testing.TB, key []byte, actions map[schema.Personal]personal.Action) *personal.Policy {
	t.Helper()
	p, err := personal.New(personal.Config{Actions: actions, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// apply returns the columns of rows as they are sent, and those that came.
func apply(t testing.TB, p *personal.Policy, list ...user) (after, before map[string]*array.String) {
	t.Helper()
	columns, err := p.For(users.Table)
	if err != nil {
		t.Fatal(err)
	}
	rec := record(t, list...)
	defer rec.Release()
	out := rec
	if columns != nil {
		out = columns.Apply(rec)
		t.Cleanup(out.Release)
	}
	return texts(out), texts(rec)
}

func record(t testing.TB, list ...user) arrow.Record {
	t.Helper()
	appender := rows.NewAppender(users, nil)
	defer appender.Release()
	for i := range list {
		if err := appender.Append(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
	rec := appender.Record()
	rec.Retain() // until the end of the test
	t.Cleanup(rec.Release)
	return rec
}

func texts(rec arrow.Record) map[string]*array.String {
	out := map[string]*array.String{}
	for i, column := range rec.Columns() {
		if text, ok := column.(*array.String); ok {
			out[rec.ColumnName(i)] = text
		}
	}
	return out
}

func TestApply(t *testing.T) {
	after, before := apply(t, policy(t, key, map[schema.Personal]personal.Action{
		schema.Identity: personal.Hash, schema.Contact: personal.Drop, schema.Network: personal.Keep,
	}),
		user{ARN: "arn:a", Name: new("jane"), Email: new("jane@example.com"), Others: schema.JSON(`["joe"]`),
			Address: new("192.0.2.1"), Tags: schema.JSON(`{"a":"b"}`)},
		user{ARN: "arn:b", Name: new("jane")},
		user{ARN: "jane"},
	)
	// The form is a promise: rows of years are joined by it.
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("identity\x00jane"))
	jane := "h1_" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
	if len(jane) != 25 || after["name"].Value(0) != jane || after["name"].Value(1) != jane ||
		after["arn"].Value(2) != jane {
		t.Errorf("jane is %s, %s and %s, want %s", after["name"].Value(0), after["name"].Value(1), after["arn"].Value(2),
			jane)
	}
	if !after["name"].IsNull(2) {
		t.Error("null has a pseudonym")
	}
	if after["arn"].Value(0) == after["arn"].Value(1) {
		t.Error("two values have one pseudonym")
	}
	for _, dropped := range []string{"email", "others"} {
		if after[dropped].NullN() != 3 {
			t.Errorf("%s is not dropped: %v", dropped, after[dropped])
		}
	}
	for _, kept := range []string{"address", "tags"} {
		if after[kept] != before[kept] {
			t.Errorf("%s is another column, want the one that came", kept)
		}
	}
}

func TestJSONHasNoPseudonym(t *testing.T) {
	after, _ := apply(t, policy(t, key, map[schema.Personal]personal.Action{schema.Contact: personal.Hash}),
		user{ARN: "a", Email: new("jane@example.com"), Others: schema.JSON(`["jane@example.com"]`)})
	if !after["others"].IsNull(0) || !strings.HasPrefix(after["email"].Value(0), "h1_") {
		t.Errorf("others %v, email %v", after["others"], after["email"])
	}
}

// Who has another key, or looks for the value in another class, finds another pseudonym.
func TestPseudonymsDependOnKeyAndClass(t *testing.T) {
	seen := map[string]string{}
	for _, k := range [][]byte{key, bytes.Repeat([]byte("l"), 64)} {
		after, _ := apply(t, policy(t, k, map[schema.Personal]personal.Action{
			schema.Identity: personal.Hash, schema.Contact: personal.Hash,
		}), user{ARN: "jane", Email: new("jane")})
		for _, column := range []string{"arn", "email"} {
			value := after[column].Value(0)
			if other, twice := seen[value]; twice {
				t.Errorf("%s and %s with key %.1s have one pseudonym", other, column, k)
			}
			seen[value] = column
		}
	}
}

// What is refused before there is a record is named as in the record.
func TestValueIsThatOfTheRecord(t *testing.T) {
	columns, err := policy(t, key, map[schema.Personal]personal.Action{
		schema.Identity: personal.Hash, schema.Contact: personal.Drop,
	}).For(users.Table)
	if err != nil {
		t.Fatal(err)
	}
	rec := record(t, user{ARN: "jane", Email: new("jane")})
	defer rec.Release()
	out := columns.Apply(rec)
	defer out.Release()
	if got, want := columns.Value(0, "jane"), out.Column(0).(*array.String).Value(0); got != want {
		t.Errorf("the key is %s, in the record %s", got, want)
	}
	if columns.Value(2, "jane") != "" || columns.Value(4, "jane") != "jane" {
		t.Error("a dropped value is there, or a kept one is not")
	}
	for name, hidden := range map[string]bool{"arn": true, "email": true, "address": false, "tags": false, "else": true} {
		if columns.Hides(name) != hidden {
			t.Errorf("Hides(%s) is %v", name, !hidden)
		}
	}
}

func TestNothingToDo(t *testing.T) {
	all := policy(t, key, map[schema.Personal]personal.Action{schema.Contact: personal.Drop})
	kept := policy(t, nil, map[schema.Personal]personal.Action{schema.Contact: personal.Keep})
	for name, test := range map[string]struct {
		policy *personal.Policy
		table  *schema.Table
	}{
		"no policy": {nil, users.Table}, "all is kept": {kept, users.Table}, "no such column": {all, plains.Table},
	} {
		if columns, err := test.policy.For(test.table); columns != nil || err != nil {
			t.Errorf("%s: %v, %v; want nothing", name, columns, err)
		}
	}
}

func TestFaultsOfAPolicy(t *testing.T) {
	_, err := personal.New(personal.Config{
		Actions: map[schema.Personal]personal.Action{"shoe_size": personal.Drop, schema.Contact: "shred",
			schema.Network: personal.Hash},
	})
	if !errors.Is(err, personal.ErrNoKey) {
		t.Errorf("error %v, want ErrNoKey", err)
	}
	for _, want := range []string{`"shoe_size"; use one of [contact identity network text]`,
		`"shred" for contact; use one of [keep hash drop]`} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	if _, err := personal.New(personal.Config{Key: key[1:]}); err == nil {
		t.Error("a key of 31 bytes is taken")
	}
}

func TestColumnsThatCannotBeChanged(t *testing.T) {
	for _, test := range []struct {
		table  *schema.Table
		class  schema.Personal
		action personal.Action
		want   string
	}{
		{users.Table, schema.Identity, personal.Drop, "column arn of users (class identity): it is in the key"},
		{bySelf.Table, schema.Contact, personal.Hash, "column owner of slices (class contact): it names slices"},
	} {
		_, err := policy(t, key, map[schema.Personal]personal.Action{test.class: test.action}).For(test.table)
		fault, ok := errors.AsType[*personal.ColumnError](err)
		if !ok || fault.Category != test.table.Name() || !strings.Contains(fault.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

func TestPolicyAsText(t *testing.T) {
	p := policy(t, key, map[schema.Personal]personal.Action{
		schema.Network: personal.Keep, schema.Identity: personal.Hash, schema.Contact: personal.Drop,
	})
	if got := p.String(); got != "contact:drop,identity:hash" {
		t.Errorf("got %q", got)
	}
	if got := (*personal.Policy)(nil).String(); got != "" {
		t.Errorf("no policy is %q", got)
	}
}

// BenchmarkApply is about a record of a thousand rows. In each row two values become pseudonyms
// and two are dropped.
func BenchmarkApply(b *testing.B) {
	const n = 1000
	list := make([]user, n)
	for i := range list {
		name := fmt.Sprintf("user-%d", i)
		list[i] = user{ARN: "arn:aws:iam::111122223333:user/" + name, Name: &name, Email: &name}
	}
	columns, err := policy(b, key, map[schema.Personal]personal.Action{
		schema.Identity: personal.Hash, schema.Contact: personal.Drop,
	}).For(users.Table)
	if err != nil {
		b.Fatal(err)
	}
	rec := record(b, list...)
	defer rec.Release()
	b.ReportAllocs()
	for b.Loop() {
		columns.Apply(rec).Release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
}
