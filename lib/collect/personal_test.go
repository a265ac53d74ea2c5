package collect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/internal/parquet"
	"github.com/hubspoke/observability/lib/personal"
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/schema"
)

// person is a row with personal data of each class, in columns of each kind that can have it.
type person struct {
	ARN     string      `col:"arn,key,personal=identity"`
	Number  int64       `col:"number,key"`
	Email   *string     `col:"email,personal=contact"`
	Others  schema.JSON `col:"others,array,personal=contact"`
	Address *string     `col:"address,personal=network"`
	Subject *string     `col:"subject,personal=text"`
	Tags    schema.JSON `col:"tags"`
}

var persons = schema.Of[person](schema.Spec{Name: "persons", Mode: schema.Snapshot})

// canary is in every value that must not leave.
const canary = "canary"

func canaries(i int64) person {
	return person{
		ARN: fmt.Sprintf("arn:canary-arn-%d", i), Number: i,
		Email: new(fmt.Sprintf("canary-%d@example.com", i)), Others: schema.JSON(`["canary-other@example.com"]`),
		Address: new("canary-192.0.2.1"), Subject: new("canary-subject"), Tags: schema.JSON(`{"team":"red"}`),
	}
}

// badPersons emits rows that are sent, and some that are refused, each for another reason, and
// asks AWS, which answers with an element that cannot be read and then with an error.
func badPersons(ctx context.Context, env *collect.Env, emit func(person) error) error {
	rows := []person{canaries(0), canaries(1), canaries(1)}
	otherRow := canaries(1)
	otherRow.Tags = schema.JSON(`{"team":"blue"}`)
	tooLong := canaries(2)
	tooLong.Email = new("canary-" + strings.Repeat("x", schema.DefaultMaxText))
	noArray := canaries(3)
	noArray.Others = schema.JSON(`"canary"`)
	noJSON := canaries(4)
	noJSON.Others = schema.JSON(`["canary`)
	noKey := canaries(5)
	noKey.ARN = "canary\x00"
	tooLarge := canaries(6)
	tooLarge.Tags = schema.JSON(`"` + strings.Repeat("x", schema.MaxRow) + `"`)
	for _, row := range append(rows, otherRow, tooLong, noArray, noJSON, noKey, tooLarge) {
		if err := emit(row); err != nil {
			return err
		}
	}
	client := dynamodb.NewFromConfig(env.AWS)
	if _, err := client.ListBackups(ctx, &dynamodb.ListBackupsInput{}); err != nil {
		return err
	}
	_, err := client.ListTables(ctx, &dynamodb.ListTablesInput{})
	return fmt.Errorf("user canary: %w", err)
}

// left is everything that leaves a runner, by where it goes.
type left struct {
	outputs map[string]string
	rows    []string // in the stream
	result  collect.Result
}

// collectPersons collects persons of an account under a policy.
func collectPersons(t *testing.T, account string, policy *personal.Policy,
	f func(context.Context, *collect.Env, func(person) error) error) left {
	t.Helper()
	stream, files := &publisher{}, &bucket{}
	var mu sync.Mutex
	var log, printed bytes.Buffer
	cfg := config(collect.Collector[person]{
		Category: persons, Reach: collect.PerRegion, Every: collector(nil).Every, Calls: collector(nil).Calls, Collect: f,
	})
	cfg.Account, cfg.Publisher, cfg.Archive, cfg.Personal = account, stream, newArchive(t, files), policy
	cfg.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	cfg.Row = func(_ schema.Scope, row []byte) {
		mu.Lock()
		defer mu.Unlock()
		printed.Write(append(row, '\n'))
	}
	cfg.Services = []collect.Service{{ID: "DynamoDB", Name: "dynamodb", Rate: collect.Rate{PerSecond: 1000, Burst: 10},
		Quota: "https://example.com"}}
	answers := 0
	cfg.AWS = func(region string) aws.Config {
		return aws.Config{Region: region, RetryMaxAttempts: 1, HTTPClient: transport(func() (int, string) {
			if answers++; answers == 1 {
				return 200, `{"BackupSummaries":[{"BackupName":"canary","BackupType":"a"},{"BackupName":"canary","BackupType":7}]}`
			}
			return 400, `{"__type":"AccessDeniedException","message":"not authorized on resource: user canary"}`
		}), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	}
	results, err := newRunner(t, cfg).Once(t.Context())
	sent := stream.only(t)
	out := left{outputs: map[string]string{
		"log": log.String(), "-o json": printed.String(), "error": fmt.Sprint(err), "rows": strings.Join(sent.rows, "\n"),
		"end": sent.end.Error, "result": fmt.Sprint(results[0].Refused, results[0].Fault()),
	}, rows: sent.rows, result: results[0]}
	for _, m := range stream.stored {
		out.outputs["records"] += string(m.Data)
	}
	for key, object := range files.objects {
		out.outputs["object "+key[strings.LastIndexByte(key, '.'):]] += string(object)
		if strings.HasSuffix(key, ".parquet") {
			out.outputs["pages"] += pages(t, object)
		}
	}
	return out
}

// pages returns the rows of a Parquet file.
func pages(t *testing.T, file []byte) string {
	t.Helper()
	records, err := parquet.Decode(t.Context(), persons.Table, file, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for _, rec := range records {
		defer rec.Release()
		encoder, err := rowjson.NewEncoder(persons.Table, rec)
		if err != nil {
			t.Fatal(err)
		}
		for row := range int(rec.NumRows()) {
			text = append(encoder.AppendRow(text, row), '\n')
		}
	}
	return string(text)
}

func personalPolicy(t *testing.T, actions map[schema.Personal]personal.Action) *personal.Policy {
	t.Helper()
	p, err := personal.New(personal.Config{Actions: actions, Key: bytes.Repeat([]byte("k"), personal.MinKey)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var (
	hashAll = map[schema.Personal]personal.Action{
		schema.Identity: personal.Hash, schema.Contact: personal.Hash, schema.Network: personal.Hash,
		schema.FreeText: personal.Hash,
	}
	dropAll = map[schema.Personal]personal.Action{
		schema.Identity: personal.Hash, schema.Contact: personal.Drop, schema.Network: personal.Drop,
		schema.FreeText: personal.Drop,
	}
)

// What is hashed or dropped is in nothing that leaves the spoke: neither in rows nor in what
// tells of refused ones and of errors.
func TestPersonalDataStays(t *testing.T) {
	plain := collectPersons(t, account, nil, badPersons)
	for _, where := range []string{"rows", "pages", "-o json", "log", "error", "end", "object .json", "result"} {
		if !strings.Contains(plain.outputs[where], canary) {
			t.Errorf("without a policy the canary is not in: %s\n%.1000s", where, plain.outputs[where])
		}
	}
	for name, actions := range map[string]map[schema.Personal]personal.Action{"hash": hashAll, "drop": dropAll} {
		t.Run(name, func(t *testing.T) {
			got := collectPersons(t, account, personalPolicy(t, actions), badPersons)
			for where, text := range got.outputs {
				if strings.Contains(text, canary) {
					t.Errorf("the canary is in: %s\n%.2000s", where, text)
				}
			}
			r := got.result
			if r.Rows != plain.result.Rows || r.Duplicates != plain.result.Duplicates ||
				r.RefusedRows != plain.result.RefusedRows || r.Outcome != plain.result.Outcome || r.RefusedRows != 7 {
				t.Errorf("%d rows, %d duplicates, %d refused, %s; without a policy %+v", r.Rows, r.Duplicates, r.RefusedRows,
					r.Outcome, plain.result)
			}
			if collect.Classify(r.CollectErr) != schema.Denied {
				t.Errorf("error %v is not denied", r.CollectErr)
			}
			if want := "DynamoDB ListTables: AccessDeniedException (without"; !strings.Contains(got.outputs["end"], want) {
				t.Errorf("the end does not say %q: %s", want, got.outputs["end"])
			}
			if key := r.Refused[0].Key; !strings.HasPrefix(key, "h1_") {
				t.Errorf("the key of a refused row is %q, want a pseudonym", key)
			}
			if want := personalPolicy(t, actions).String(); !strings.Contains(got.outputs["object .parquet"], want) {
				t.Errorf("the file does not tell the policy %s", want)
			}
		})
	}
}

// Accounts with one key agree; and columns that are not marked are sent as they are.
func TestPersonalDataOfTwoAccounts(t *testing.T) {
	f := func(_ context.Context, _ *collect.Env, emit func(person) error) error {
		return errors.Join(emit(canaries(0)), emit(canaries(1)))
	}
	for name, actions := range map[string]map[schema.Personal]personal.Action{"hash": hashAll, "drop": dropAll} {
		one, two := collectPersons(t, account, personalPolicy(t, actions), f),
			collectPersons(t, "444455556666", personalPolicy(t, actions), f)
		if len(one.rows) != 2 || !slices.Equal(one.rows, two.rows) {
			t.Errorf("%s: accounts send\n%s\nand\n%s", name, one.outputs["rows"], two.outputs["rows"])
		}
		if got, want := unmarked(t, one.rows), unmarked(t, collectPersons(t, account, nil, f).rows); got != want {
			t.Errorf("%s: columns without a mark are %s, without a policy %s", name, got, want)
		}
	}
}

// unmarked returns the columns of rows that are not marked, as they are written.
func unmarked(t *testing.T, rows []string) string {
	t.Helper()
	var out []string
	for _, row := range rows {
		var values map[string]json.RawMessage
		if err := json.Unmarshal([]byte(row), &values); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(values, func(name string, _ json.RawMessage) bool {
			i, _ := persons.Index(name)
			return persons.Columns()[i].Personal != ""
		})
		out = append(out, fmt.Sprintf("%q", values))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// What a policy cannot do to a category is a fault of the configuration.
func TestPolicyThatDoesNotFit(t *testing.T) {
	cfg := config(collect.Collector[person]{Category: persons, Reach: collect.PerRegion, Every: 1,
		Calls: []string{"x:ListPersons"}, Collect: badPersons})
	cfg.Personal = personalPolicy(t, map[schema.Personal]personal.Action{schema.Identity: personal.Drop})
	_, err := collect.New(cfg)
	if fault, ok := errors.AsType[*personal.ColumnError](err); !ok || fault.Column != "arn" {
		t.Errorf("error %v, want one about column arn", err)
	}
}
