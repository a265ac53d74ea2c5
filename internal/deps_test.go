package internal_test

import (
	"slices"
	"testing"

	"github.com/hubspoke/observability/internal/deptest"
)

const module = "github.com/hubspoke/observability/"

// in prefixes paths with the module's.
func in(paths ...string) []string {
	for i, path := range paths {
		paths[i] = module + path
	}
	return paths
}

var (
	all = []string{module + "..."}

	// doors turn other forms into Arrow records or out of them, say how records
	// travel, or change them: one layer, right above lib/schema.
	doors = in("lib/stream", "lib/envelope", "lib/rows", "lib/rowjson", "lib/archive", "lib/pgcopy", "lib/personal")
	// movers carry records from place to place.
	movers = in("lib/stream/...", "lib/collect", "lib/load")
)

// rules is the order of the packages:
//
//	stdlib, arrow < schema < { stream, envelope, rows, rowjson, personal, archive, pgcopy } < { stream/*, collect, load }
//	{ stream/*, collect, load } < ingest
//	lib/schema < schemas < { producers, consumers }
//	sql < consumers
//	consumers/dashboard/{page, chart, access} < consumers/dashboard < consumers/cmd/hub, page < pages < consumers/cmd/hub
//
// where a < b means that b may import a.
var rules = []deptest.Rule{
	{
		Packages: in("lib/..."),
		MustNot:  in("schemas/...", "producers/...", "consumers/...", "sql/...", "deploy/...", "cmd/..."),
		Why:      "the library knows no category and no program, so that others can build on it",
	},
	{
		Packages: in("lib/..."),
		MustNot:  in("internal/..."),
		Why:      "what the library needs stands in lib; internal is for programs and tests",
	},
	{
		Packages: in("lib/..."),
		MustNot:  []string{"github.com/aws/aws-sdk-go-v2/service/..."},
		Allow: []string{
			"github.com/aws/aws-sdk-go-v2/service/kinesis/...",
			"github.com/aws/aws-sdk-go-v2/service/dynamodb/...",
			"github.com/aws/aws-sdk-go-v2/service/s3/...",
			"github.com/aws/aws-sdk-go-v2/service/sts/...",
		},
		Why: "the library knows the AWS APIs that carry rows, and none that is collected",
	},
	{
		Packages: in("schemas/..."),
		MustNot:  []string{"..."},
		Allow:    append(in("lib/schema", "schemas/..."), "std"),
		Why:      "schemas imports only lib/schema and the standard library, so that a category costs its users nothing else",
	},
	{
		Packages: in("producers/..."),
		MustNot:  in("consumers/...", "sql/..."),
		Why:      "what runs in every account must not need what only the hub has",
	},
	{
		Packages: in("consumers/..."),
		MustNot:  in("producers/..."),
		Why:      "spokes and hub are upgraded apart and share only lib and schemas",
	},
	{
		Packages: in("consumers/dashboard/page", "consumers/dashboard/chart"),
		MustNot:  []string{"..."},
		Allow:    []string{"std"},
		Why:      "what pages are declared in, and what draws them, is small enough to be read at once",
	},
	{
		Packages: in("consumers/dashboard/access"),
		MustNot:  append([]string{"github.com/jackc/pgx/..."}, in("...")...),
		Allow:    in("consumers/dashboard/access"),
		Why:      "who asks is found out without a database and without pages, so that a reviewer can read it alone",
	},
	{
		Packages: in("consumers/dashboard/pages"),
		MustNot:  []string{"..."},
		Allow:    in("consumers/dashboard/page"),
		Why:      "pages are data: what they need is in the words of the declaration",
	},
	{
		Packages: all,
		MustNot:  in("consumers/dashboard/..."),
		Exempt:   in("consumers/dashboard/...", "consumers/cmd/hub", "deploy/bench", "deploy/grafana"),
		Why:      "only the hub's program serves the pages; others measure them, or write them for Grafana",
	},
	{
		Packages: in("sql/..."),
		MustNot:  in("producers/...", "consumers/..."),
		Why:      "the consumers embed sql",
	},
	{
		Packages: all,
		MustNot:  in("deploy/...", "cmd/..."),
		Exempt:   in("deploy/...", "cmd/..."),
		Why:      "deploy and cmd put the programs together; nothing needs them",
	},

	{
		Packages: in("lib/schema"),
		MustNot:  []string{"..."},
		// A run's name is a UUIDv7; google/uuid has no dependencies of its own.
		Allow: []string{"std", "github.com/apache/arrow/...", "github.com/google/uuid"},
		Why:   "everything imports lib/schema, so it imports only the standard library, arrow and uuid",
	},
	{
		Packages: doors,
		MustNot:  slices.Concat(doors, movers, in("lib/ingest/...", "lib/refresh/...")),
		Why:      "each of these can be used without the others, and all are below what moves records",
	},
	{
		Packages: in("lib/stream/..."),
		MustNot:  in("lib/collect", "lib/load", "lib/ingest/...", "lib/refresh/..."),
		Why:      "a stream carries records and does not know who makes or takes them",
	},
	{
		Packages: in("lib/collect"),
		MustNot:  in("lib/stream/...", "lib/load", "lib/ingest/...", "lib/refresh/..."),
		Allow:    in("lib/stream"),
		Why:      "collecting needs no particular stream and no database",
	},
	{
		Packages: in("lib/load"),
		MustNot:  in("lib/stream/...", "lib/collect", "lib/ingest/...", "lib/refresh/..."),
		Allow:    in("lib/stream"),
		Why:      "the loader does not know which source its rows have: stream and replay look the same to it",
	},

	{
		Packages: all,
		MustNot:  []string{"github.com/jackc/pgx/..."},
		Exempt: in("lib/load/...", "lib/rdsauth/...", "lib/refresh/...", "lib/pgtest/...", "internal/bench",
			"internal/hubtest/...", "consumers/...", "deploy/...", "cmd/..."),
		Why: "only what talks to PostgreSQL imports pgx",
	},
	{
		Packages: all,
		MustNot:  []string{"github.com/aws/aws-sdk-go-v2/service/quicksight/..."},
		Exempt:   in("deploy/quicksight"),
		Why:      "only what writes the dashboards knows QuickSight; its types are large, and programs do not call it",
	},
	{
		Packages: all,
		MustNot: []string{"github.com/coreos/go-oidc/...", "github.com/go-jose/go-jose/...", "github.com/golang-jwt/jwt/...",
			"golang.org/x/oauth2/..."},
		Exempt: in("consumers/dashboard/access/..."),
		Why:    "only what finds out who asks knows how people log in",
	},
	{
		Packages: all,
		MustNot:  []string{"github.com/parquet-go/parquet-go/..."},
		Exempt:   in("lib/internal/parquet"),
		Why:      "only lib/internal/parquet knows Parquet",
	},
	{
		Packages: all,
		MustNot:  []string{"github.com/aws/aws-sdk-go-v2/feature/s3/..."},
		Why: "objects are written by one PutObject: a spoke may not decrypt, and an upload in parts under a foreign key " +
			"needs kms:Decrypt (rule T49 of deploy/rules_test.go)",
	},
	{
		Packages: all,
		MustNot:  []string{"github.com/vmware/vmware-go-kcl-v2/..."},
		Exempt:   in("lib/stream/kcl/..."),
		Why:      "only lib/stream/kcl knows the KCL, because it contains the hazards of the KCL",
	},
	{
		Packages: all,
		MustNot:  []string{"github.com/apache/arrow/..."},
		Exempt: in("lib/schema", "lib/personal", "lib/rows", "lib/rowjson", "lib/internal/rowbuild",
			"lib/internal/parquet", "lib/archive", "lib/pgcopy", "lib/collect/...", "lib/load", "lib/ingest", "internal/bench",
			"consumers/apply", "producers/simulate", "deploy/bench"),
		Why: "moving to arrow's successor path must stay mechanical; add a package here only if it needs the records " +
			"themselves",
	},

	{
		Packages: all,
		MustNot:  []string{"github.com/chromedp/..."},
		Why:      "a browser is for tests, in consumers/dashboard/browser; this rule does not bind files of tests",
	},
	{
		Packages: all,
		MustNot:  append(in("...test"), "testing/..."),
		Exempt:   in("...test"),
		Why:      "programs must not link testing; it is for tests and for packages with names that end in test",
	},
}

func TestImportRules(t *testing.T) {
	deptest.Check(t, rules, module+"...")
}
