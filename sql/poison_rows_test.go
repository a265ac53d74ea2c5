package sql_test

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// poisonValues are values that a spoke may send in a column of each kind, whatever a view
// expects in it.
var poisonValues = map[schema.Kind][]string{
	schema.KindText: {"", longText(), "NaN", "1e999", "{", "2026-99-99", "\U0010FFFF", "%s\n'; DROP", ",,,", "global",
		"Infinity", "-9223372036854775808"},
	schema.KindInt64:   {"9223372036854775807", "-9223372036854775808", "0", "-1"},
	schema.KindFloat64: {"1.7976931348623157e308", "-1.7976931348623157e308", "5e-324", "0"},
	schema.KindDecimal: {"9999999999999999999999999999.9999999999", "-9999999999999999999999999999.9999999999",
		"0.0000000001", "0"},
	schema.KindBool:      {"true", "false"},
	schema.KindDate:      {"9999-12-31", "0001-01-01"},
	schema.KindTimestamp: {"9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"},
	schema.KindJSON: {`"text"`, `5`, `null`, `true`, `[]`, `{}`, `[[[[]]], {"a": [null]}]`,
		`[null, 1, "x", {"Amount": "abc", "Frequency": {}, "ConfigRuleName": {"x": 1}, "ZoneName": [1]}]`,
		`{"product": ["a"], "environment": {"a": 1}, "customer": null, "": "", "Amount": 1e1000}`,
		`{"GeoMatchStatement": {"CountryCodes": {"a": "b"}}, "AndStatement": [{"GeoMatchStatement": 7}]}`,
		`[{"Amount": 1e1000}, {"Amount": -1e-1000}, {"Amount": {"a": 1}}]`,
		`{"AndStatement": {"GeoMatchStatement": {"CountryCodes": ["` + longText() + `", 5, null]}}}`},
}

// longText is as long as ingest lets a text be, and cannot be compressed.
func longText() string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < 32<<10 {
		fmt.Fprintf(&b, "%016x", random.Uint64())
	}
	return b.String()
}

// poisonedAccounts are as many as a kind has values: each account has one of them everywhere,
// so that they meet every view also in categories with one row for each account.
func poisonedAccounts() (accounts []string) {
	for _, values := range poisonValues {
		for len(accounts) < len(values) {
			accounts = append(accounts, fmt.Sprintf("3333333333%02d", len(accounts)))
		}
	}
	return accounts
}

// poison fills every category with rows of every wrong shape that accounts may send, in two
// regions: values like those that views look for with wrong ones beside them, and nothing but
// wrong ones. The rows say that they are about their own account, or about another one.
func (db *database) poison(about string) {
	db.Helper()
	for i, account := range poisonedAccounts() {
		values := fillValues(cmp.Or(about, account))
		for _, table := range schemas.All() {
			var statements []string
			for _, region := range []string{"global", "eu-central-1"} {
				like, wrong := map[string]string{}, map[string]string{}
				for _, c := range table.Columns() {
					poison := poisonValues[c.Kind]
					wrong[c.Name] = poison[i%len(poison)]
					if isIndexed(table, c.Name) { // the loader refuses what an index does not take
						wrong[c.Name] = wrong[c.Name][:min(len(wrong[c.Name]), 500)]
					}
					like[c.Name] = wrong[c.Name]
					if known := cmpOr(values[table.Name()+"."+c.Name], values[c.Name]); known != nil && c.Kind != schema.KindJSON {
						like[c.Name] = known[i%len(known)]
					}
				}
				for _, row := range []map[string]string{like, wrong} {
					row["account_id"], row["region"] = account, region
					row["row_key"] = rowKey(table, row)
					statements = append(statements, insertStatement(table.Name(), row)+" ON CONFLICT DO NOTHING")
				}
			}
			db.exec(strings.Join(statements, ";"))
		}
	}
}

// isIndexed reports whether a column is in an index of its table.
func isIndexed(table *schema.Table, column string) bool {
	return slices.ContainsFunc(table.Indexes(), func(index schema.Index) bool {
		return slices.Contains(index.Columns, column)
	})
}

// rowKey is one for each natural key.
func rowKey(table *schema.Table, row map[string]string) string {
	key := row["account_id"] + "/" + row["region"]
	for _, c := range keyColumns(table) {
		key += "/" + row[c.Name]
	}
	hash := md5.Sum([]byte(key))
	return hex.EncodeToString(hash[:])
}
