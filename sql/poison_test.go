package sql_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/tools/txtar"

	"github.com/hubspoke/observability/lib/refresh"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

// poisoner is the account that sends rows of every wrong shape.
const poisoner = "666666666666"

// poisonRegions is how many regions it has. Each has rows of every category, so that rows of
// categories that belong together meet.
const poisonRegions = 100

// TestPoison feeds every view what the tables can hold and a spoke may send: one account has
// wrong rows in every category. Each view is still refreshed and read, and says the same of
// the other accounts as without them.
//
// The rows come from the catalog and the cases of the views: a row that a view has an
// opinion of, with one column at a time replaced by each wrong value. Other accounts send
// rows in which everything is wrong.
func TestPoison(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.fillForLegacy()
	// Others may say something about an account only where it is not collected itself.
	for _, table := range schemas.All() {
		if slices.ContainsFunc(table.Columns(), func(c schema.Column) bool { return c.Name == "finding_account_id" }) {
			db.completeInPoisonRegions(accountA, table.Name())
			db.completeInPoisonRegions(accountB, table.Name())
		}
	}
	db.refresh()
	before := db.healthy()
	if total := len(slices.Concat(slices.Collect(maps.Values(before))...)); total < 200 {
		t.Fatalf("views say %d rows of the other accounts", total)
	}
	members := db.jsonMembers()
	if len(members) == 0 {
		t.Fatal("no view reads a member of JSON")
	}
	bases, wrong := baseRows(t), wrongValues(members)
	for _, table := range schemas.All() {
		db.insertAll(table, poisonedRows(table, bases[table.Name()], wrong))
	}
	db.completeInPoisonRegions(poisoner, categoryNames()...)
	db.poison("")
	db.poison(accountA)
	db.exec("DELETE FROM hub.view_refresh") // all of them are computed whole
	refresher, err := refresh.New(db.Pool, refresh.Config{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := refresher.All(t.Context())
	if err != nil && len(result.Failed()) == 0 {
		t.Fatal(err)
	}
	for _, view := range result.Failed() {
		t.Errorf("refresh %s: %v", view.Name, view.Err)
	}
	for name, want := range db.healthy() {
		if missing, more := without(before[name], want), without(want, before[name]); len(missing)+len(more) > 0 {
			t.Errorf("%s changed for the other accounts\n  it said %s\n  it says %s", name, first(missing), first(more))
		}
	}
	db.exec("SELECT history.record(now())")
}

// completeInPoisonRegions says that an account was collected in all these regions.
func (db *database) completeInPoisonRegions(account string, categories ...string) {
	db.Helper()
	db.change(`
		WITH scope AS (
			INSERT INTO hub.scope (scope, category, account_id, region, slice, complete_run, full_run)
			SELECT md5(concat_ws('/', category, $1::text, region))::uuid, category, $1, 'poison-' || region, '', run, run
			FROM unnest($2::text[]) AS category, generate_series(0, $3::int - 1) AS region,
			     (SELECT '01930000-0000-7000-8000-000000000001'::uuid AS run) r
			RETURNING scope, full_run
		)
		INSERT INTO hub.run (scope, run, collected_at, outcome, completed_at) SELECT scope, full_run, now(), 'ok', now() FROM scope`,
		account, categories, poisonRegions)
}

// healthy returns what every view says of the accounts that are not the poisoner, and reads
// all that it says of that one.
func (db *database) healthy() map[string][]string {
	db.Helper()
	said := map[string][]string{}
	for _, view := range db.rows(`
		SELECT format('%I.%I', n.nspname, c.relname),
		       coalesce(string_agg(quote_literal(a.attname), ',') FILTER (WHERE a.atttypid = 'interval'::regtype), quote_literal('')),
		       coalesce(string_agg(a.attname, ',') FILTER (WHERE a.attname IN ('account', 'account_id') AND a.atttypid = 'text'::regtype), 'NULL')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		WHERE n.nspname IN ('public', 'legacy') AND c.relkind IN ('v', 'm') GROUP BY 1 ORDER BY 1`) {
		parts := strings.Fields(view)
		name, changing, account := parts[0], parts[1], parts[2]
		rows, err := db.Pool.Query(db.Context(), fmt.Sprintf(
			"SELECT (to_jsonb(v) - ARRAY[%s])::text FROM %s v WHERE '%s' IN (%s) OR '%s' IN (%[4]s)",
			changing, name, accountA, account, accountB))
		if err == nil {
			said[name], err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err == nil {
			_, err = db.Pool.Exec(db.Context(), "SELECT count(v::text) FROM "+name+" v")
		}
		if err != nil {
			db.Errorf("read %s: %v", name, err)
		}
		slices.Sort(said[name])
	}
	return said
}

// jsonMembers returns the members of JSON that a view reads.
func (db *database) jsonMembers() []string {
	members := map[string]bool{}
	member := regexp.MustCompile(`->>? '(\w+)'::text`)
	for _, definition := range db.rows(`
		SELECT pg_get_viewdef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname IN ('public', 'legacy', 'live') AND c.relkind IN ('v', 'm')`) {
		for _, match := range member.FindAllStringSubmatch(definition, -1) {
			members[match[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(members))
}

// baseRows returns rows of each category that views have an opinion of: those of the cases.
func baseRows(t *testing.T) map[string][]map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	bases := map[string][]map[string]string{}
	for _, file := range files {
		c, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range c.Files {
			if !isCategory(section.Name) {
				continue
			}
			rows, err := parseRows(string(section.Data))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			bases[section.Name] = append(bases[section.Name], rows...)
		}
	}
	return bases
}

// accountNumber is what is no poison in a base row: it becomes the poisoner itself.
var accountNumber = regexp.MustCompile(`^[0-9]{12}$`)

// poisonedRows returns rows of a category, with one wrong value each.
func poisonedRows(table *schema.Table, bases []map[string]string, wrong map[schema.Kind][]any) []map[string]any {
	bases = slices.Clone(bases)
	for i := range 3 {
		base, values := map[string]string{}, fillValues(poisoner)
		for _, c := range table.Columns() {
			base[c.Name] = anyValue(c, i)
			if v := cmpOr(values[table.Name()+"."+c.Name], values[c.Name]); v != nil {
				base[c.Name] = v[i%len(v)]
			}
		}
		bases = append(bases, base)
	}
	columns := table.Columns()
	var wrongs []wrongValue
	for i, c := range columns {
		for _, value := range wrong[c.Kind] {
			if value != nil || c.Nullable {
				wrongs = append(wrongs, wrongValue{i, value})
			}
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(wrongs), func(i, j int) { wrongs[i], wrongs[j] = wrongs[j], wrongs[i] })
	seen := map[string]bool{}
	var rows []map[string]any
	for n := range max(len(wrongs), 2*poisonRegions) {
		w, base := wrongs[n%len(wrongs)], bases[n%len(bases)]
		row := map[string]any{
			"row_key": uuid(), "row_hash": uuid(), "run_id": uuid(), "account_id": poisoner,
			"region":       fmt.Sprintf("poison-%d", n%poisonRegions),
			"collected_at": "2026-08-01T12:00:00Z", "first_seen_at": "2026-08-01T12:00:00Z",
		}
		for i, c := range columns {
			text, ok := base[c.Name]
			if !ok && !c.Nullable {
				text, ok = someValue[c.Kind], true
			}
			switch {
			case n == 0 && c.Kind == schema.KindText && !c.Key:
				row[c.Name] = longerText
			case i == w.column:
				if row[c.Name] = w.value; w.value == upperCase {
					row[c.Name] = strings.ToUpper(text)
				}
			case !ok || text == "NULL":
			case accountNumber.MatchString(text):
				row[c.Name] = poisoner
			case c.Kind == schema.KindJSON:
				row[c.Name] = json.RawMessage(text)
			default:
				row[c.Name] = text
			}
		}
		key := row["region"].(string)
		for _, c := range keyColumns(table) {
			key += fmt.Sprintf("\x00%v", row[c.Name])
		}
		if !seen[key] { // the loader knows one row of a key
			seen[key] = true
			rows = append(rows, row)
		}
	}
	return rows
}

// wrongValue is one for a column.
type wrongValue struct {
	column int
	value  any
}

// upperCase stands for what the base row has, in other letters.
const upperCase = "in upper case"

// wrongValues returns values that a column of a kind may have and that nobody expects.
func wrongValues(members []string) map[schema.Kind][]any {
	values := map[schema.Kind][]any{
		schema.KindText:      {upperCase, "[]", strings.Repeat("9", 400), "10.0.0.0/99", accountB, incompressible(9_000)},
		schema.KindTimestamp: {"1969-12-31T23:59:59Z"},
		schema.KindDate:      {"2026-02-28"},
		schema.KindJSON:      wrongJSON(members),
	}
	for kind, more := range poisonValues {
		for _, value := range more {
			if kind == schema.KindJSON {
				values[kind] = append(values[kind], json.RawMessage(value))
			} else if len(value) < 10_000 {
				values[kind] = append(values[kind], value)
			}
		}
	}
	for kind := range values {
		values[kind] = append(values[kind], nil)
	}
	return values
}

// wrongJSON returns JSON with the members that views read, of every kind.
func wrongJSON(members []string) []any {
	raw := []string{strings.Repeat("[", schema.MaxDepth-1) + strings.Repeat("]", schema.MaxDepth-1)}
	for _, value := range []string{`null`, `"text"`, `"1e999"`, `-1e308`, `[1]`, `{"a": 1}`,
		`"` + incompressible(1_000) + `"`, `"\u0001"`} {
		var pairs []string
		for _, m := range members {
			pairs = append(pairs, fmt.Sprintf("%q: %s", m, value))
		}
		object := "{" + strings.Join(pairs, ", ") + "}"
		raw = append(raw, object, "["+object+", "+object+"]")
	}
	values := make([]any, len(raw))
	for i, text := range raw {
		values[i] = json.RawMessage(text)
	}
	return values
}

// longerText is longer than a text that ingest takes.
var longerText = incompressible(100_000)

// incompressible returns a text that PostgreSQL cannot make small enough for an index.
func incompressible(length int) string {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, length)
	for i := range b {
		b[i] = byte('!' + 2 + random.IntN(57)) // without quotation marks and backslashes
	}
	return string(b)
}

// insertAll adds rows to the table of a category. What is too large for an index of the
// table is left out: the loader refuses it.
func (db *database) insertAll(table *schema.Table, rows []map[string]any) {
	db.Helper()
	for chunk := range slices.Chunk(rows, 50) {
		text, err := json.Marshal(chunk)
		if err != nil {
			db.Fatalf("%s: %v", table.Name(), err)
		}
		_, err = db.Pool.Exec(db.Context(), fmt.Sprintf("INSERT INTO obs.%s SELECT r.* FROM "+
			"jsonb_array_elements($1::text::jsonb) e, "+
			"jsonb_populate_record(NULL::obs.%[1]s, e) r", table.Name()), string(text))
		var refused *pgconn.PgError
		switch {
		case errors.As(err, &refused) && refused.Code == "54000" && len(chunk) > 1:
			for _, row := range chunk {
				db.insertAll(table, []map[string]any{row})
			}
		case err != nil && (refused == nil || refused.Code != "54000"):
			db.Fatalf("%s: %v", table.Name(), err)
		}
	}
}

func categoryNames() (names []string) {
	for _, table := range schemas.All() {
		names = append(names, table.Name())
	}
	return names
}

// without returns the values of a sorted list that another one does not have.
func without(list, other []string) (rest []string) {
	for _, v := range list {
		if _, found := slices.BinarySearch(other, v); !found {
			rest = append(rest, v)
		}
	}
	return rest
}

func first(list []string) string {
	if len(list) == 0 {
		return "nothing else"
	}
	return fmt.Sprintf("%d rows, such as %.600s", len(list), list[0])
}
