package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"

	"github.com/hubspoke/observability/consumers/verify"
	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/internal/programtest"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/pgtest"
	"github.com/hubspoke/observability/lib/stream"
	"github.com/hubspoke/observability/schemas"
)

func TestHelpTeaches(t *testing.T) {
	isolate(t, "HUB_VERSION=true") // is no flag
	hub(t.Context(), "-h").want(t, program.ExitDone, "hub migrate", "3 partly done or differences found")
	hub(t.Context(), "consume", "-h").want(t, program.ExitDone, "$HUB_STREAM", "$DATABASE_URL", "Example")
	for _, command := range []string{"migrate", "check", "consume", "lambda", "replay", "refresh", "status",
		"rejects list", "rejects show", "verify", "forget", "dashboard", "show"} {
		hub(t.Context(), append(strings.Fields(command), "-h")...).want(t, program.ExitDone, "$HUB_DATABASE_URL",
			"--log-level")
	}
	version = "v1.2.3"
	defer func() { version = "" }()
	hub(t.Context(), "--version").want(t, program.ExitDone, "v1.2.3\n")
}

func TestUsageErrorsNameTheThingAndTheNextStep(t *testing.T) {
	isolate(t, "DATABASE_URL=postgres://127.0.0.1:1/x")
	for _, test := range []struct{ args, stderr string }{
		{"", "expected one of"},
		{"consum", "unexpected argument consum"},
		{"consume", "--stream"},
		{"consume --no-such-flag", "unknown flag --no-such-flag"},
		{"consume --stream arn:aws:kinesis:eu-central-1:444455556666:observability", "is not the ARN of a stream, such as"},
		{"consume --stream arn:aws:s3:::bucket", "is not the ARN of a stream, such as"},
		{"status -o xml", `"xml"`},
		{"replay", "--bucket"},
		{"replay --bucket b --category certs", `unknown category "certs": choose from `},
		{"replay --bucket b --category kms_keys --category kms_keys", "--category kms_keys is given twice"},
		{"replay --bucket b --account 123", `account "123" is not 12 digits`},
		{"replay --bucket b --from yesterday", "--from: "},
		{"replay --bucket b --to 2026-02-30", "--to: "},
		{"replay --bucket b --from 2026-08-02 --to 2026-08-01", "--from 2026-08-02 is after --to 2026-08-01"},
		{"replay --bucket b --workers=-1", "--workers must not be negative"},
		{"replay --bucket b --workers=251", "--workers must be at most 250"},
		{"replay --bucket s3://b/prefix/", "is not the name of a bucket"},
		{"replay --bucket s3://b --from yesterday", "--from: "},
		{"consume --stream x --committers=101", "--committers must be at most 100"},
		{"consume --stream x --keep=-8d", "--keep must not be negative"},
		{"status --since=-1h", "--since must not be negative"},
		{"status --watch 2s -o json", "--watch is for people"},
		{"status --watch 2ms", "once a second at most"},
		{"status --watch 2", `"2" is not a duration`},
		{"verify --category x", `unknown category "x"`},
		{"rejects", "expected one of"},
		{"rejects show x", "x"},
		{"rejects list --state closed", "closed"},
		{"refresh --keep-rejects 1h", "less than a day"},
		{"consume --stream x --keep-rejects 1h", "less than a day"},
		{"lambda", "hub consume"},
		{"dashboard --addr :8080", "who may look? Give --auth alb or oidc"},
		{"dashboard --addr 0.0.0.0:8080", "ssh -N -L 8080:127.0.0.1:8080 HOST"},
		{"dashboard --addr hub.example.com:8080", "listen on 127.0.0.1:8080"},
		{"dashboard --addr 8080", "write it as 127.0.0.1:8080"},
	} {
		hub(t.Context(), strings.Fields(test.args)...).want(t, program.ExitUsage, test.stderr)
	}
}

func TestMemoryLimitFollowsTheBudget(t *testing.T) {
	isolate(t, "DATABASE_URL=postgres://127.0.0.1:1/x")
	t.Setenv("GOMEMLIMIT", "")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	hub(t.Context(), "consume", "--stream", streamARN, "--budget-mib", "1000").want(t, program.ExitFailed)
	if limit := debug.SetMemoryLimit(-1); limit != 1320<<20 {
		t.Errorf("the limit is %d MiB", limit>>20)
	}
	debug.SetMemoryLimit(1 << 40)
	t.Setenv("GOMEMLIMIT", "1TiB")
	hub(t.Context(), "consume", "--stream", streamARN).want(t, program.ExitFailed)
	if limit := debug.SetMemoryLimit(-1); limit != 1<<40 {
		t.Errorf("GOMEMLIMIT does not count: %d MiB", limit>>20)
	}
}

func TestDatabaseThatCannotBeUsed(t *testing.T) {
	isolate(t)
	hub(t.Context(), "status").want(t, program.ExitUsage, "which database? Give --database-url")
	hub(t.Context(), "status", "--database-url", "postgres://u@host:port/x").want(t, program.ExitUsage, "database URL")
	r := hub(t.Context(), "consume", "--stream", streamARN, "--database-url", "postgres://u:geheim@127.0.0.1:1/x")
	r.want(t, program.ExitFailed, "database x on 127.0.0.1:1", "is it running")
	if strings.Contains(r.stderr, "geheim") {
		t.Errorf("the password is in %s", r.stderr)
	}
	t.Run("libpq's variables", func(t *testing.T) {
		isolate(t, "PGHOST=127.0.0.1", "PGPORT=1", "PGDATABASE=observability", "PGUSER=hub")
		hub(t.Context(), "status").want(t, program.ExitFailed, "database observability on 127.0.0.1:1")
	})
	t.Run("service", func(t *testing.T) {
		isolate(t, "PGSERVICEFILE="+filepath.Join(t.TempDir(), "services"), "PGSERVICE=hub")
		hub(t.Context(), "status").want(t, program.ExitUsage, "service file", "does not exist", "PGSERVICEFILE")
		if err := os.WriteFile(os.Getenv("PGSERVICEFILE"), []byte("[other]\nhost=127.0.0.1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		hub(t.Context(), "status").want(t, program.ExitUsage, `has no service "hub"`, "PGSERVICE")
	})

	db := pgtest.Empty(t)
	i := strings.LastIndex(db.URL, "/")
	name, _, _ := strings.Cut(db.URL[i+1:], "?")
	hub(t.Context(), "status", "--database-url", strings.Replace(db.URL, name, "nothing", 1)).want(t, program.ExitUsage,
		"createdb nothing")
	url := must(url.Parse(db.URL))
	url.RawQuery = "sslmode=require"
	hub(t.Context(), "status", "--database-url", url.String()).want(t, program.ExitUsage, "the server has no TLS",
		"sslmode=disable")
	for _, command := range []string{"status", "rejects list", "refresh", "verify", "consume --stream x",
		"replay --bucket x"} {
		hub(t.Context(), append(strings.Fields(command), "--database-url", db.URL)...).want(t, program.ExitUsage,
			"run: hub migrate")
	}
}

func TestMigrateAndCheck(t *testing.T) {
	db := pgtest.Empty(t)
	isolate(t, "HUB_DATABASE_URL="+db.URL)
	hub(t.Context(), "check").want(t, program.ExitUsage, "00001_bookkeeping.sql", "obs.certificates is missing",
		"CREATE TABLE obs.certificates", "run: hub migrate")
	dry := parse[[]stepJSON](t, hub(t.Context(), "migrate", "--dry-run", "-o", "json").want(t, program.ExitDone))
	if query[bool](t, db, "SELECT to_regclass('hub.run') IS NOT NULL")[0] {
		t.Error("a dry run migrated")
	}
	steps := parse[[]stepJSON](t, hub(t.Context(), "migrate", "-o", "json").want(t, program.ExitDone))
	if len(steps) != len(dry) || len(steps) < 3+len(schemas.All()) || steps[0].Step != "00001_bookkeeping.sql" ||
		steps[len(steps)-2].Step != viewsStep || steps[len(steps)-1].Step != fillStep || !steps[0].Applied || dry[0].Applied {
		t.Errorf("dry run %v, steps %v", dry, steps)
	}
	hub(t.Context(), "migrate").want(t, program.ExitDone, "nothing to do")
	hub(t.Context(), "migrate", "--dry-run").want(t, program.ExitDone, "nothing to do")
	hub(t.Context(), "check").want(t, program.ExitDone, "all have run", "those of this version")
	if c := parse[checkJSON](t, hub(t.Context(), "check", "-o", "json")); !c.Fits || !c.Views ||
		c.Categories != len(schemas.All()) || len(c.Faults)+len(c.Pending) > 0 {
		t.Errorf("%+v", c)
	}

	for _, test := range []struct{ statement, mend, next string }{
		{"UPDATE hub.installed_view SET package_sha256 = 'x'", "missing or of another version", "run: hub migrate"},
		{"ALTER TABLE obs.secrets DROP COLUMN name CASCADE", "ALTER TABLE obs.secrets ADD COLUMN name text NOT NULL",
			"run: hub migrate"},
		{"DROP TABLE obs.kms_keys CASCADE", "CREATE TABLE obs.kms_keys", "run: hub migrate"},
	} {
		if _, err := db.Pool.Exec(t.Context(), test.statement); err != nil {
			t.Fatal(err)
		}
		hub(t.Context(), "check").want(t, program.ExitUsage, test.mend, "the database does not fit: "+test.next)
	}
	if c := parse[checkJSON](t, hub(t.Context(), "check", "-o", "json").want(t, program.ExitUsage)); c.Fits || c.Views ||
		len(c.Faults) != 2 {
		t.Errorf("%+v", c)
	}

	// Every command says where to go, and going there mends the database.
	for _, command := range []string{"replay --bucket x", "verify"} {
		hub(t.Context(), strings.Fields(command)...).want(t, program.ExitUsage, "a table does not fit", "run: hub check")
	}
	hub(t.Context(), "migrate", "--dry-run").want(t, program.ExitDone, "-- column obs.secrets.name\nALTER TABLE",
		"-- table obs.kms_keys\nCREATE TABLE", "-- views would run")
	hub(t.Context(), "migrate").want(t, program.ExitDone, "column obs.secrets.name", "table obs.kms_keys", viewsStep)
	hub(t.Context(), "check").want(t, program.ExitDone)

	// What it cannot mend it leaves, and says so.
	change(t, db, `INSERT INTO obs.secrets (row_key, row_hash, account_id, region, run_id, collected_at, secret_arn, name)
		VALUES (gen_random_uuid(), gen_random_uuid(), '111122223333', 'eu-central-1', gen_random_uuid(), now(), 'arn', 'name')`)
	change(t, db, "ALTER TABLE obs.secrets DROP COLUMN secret_arn CASCADE")
	hub(t.Context(), "check").want(t, program.ExitUsage, "TRUNCATE the table", "hub migrate leaves it",
		"run the statements above that hub migrate leaves to you")
	if r := hub(t.Context(), "migrate").want(t, program.ExitFailed, "`hub check` names what is missing"); r.stdout != "" {
		t.Errorf("failed, and yet printed\n%s", r.stdout)
	}
	change(t, db, "TRUNCATE obs.secrets")
	hub(t.Context(), "migrate").want(t, program.ExitDone, "column obs.secrets.secret_arn", viewsStep)
	// A fault that is in no view's way is left, too.
	change(t, db, "ALTER TABLE obs.secrets ADD COLUMN owner text NOT NULL")
	hub(t.Context(), "migrate").want(t, program.ExitPartly, "obs.secrets.owner is not declared", "hub check prints")
}

// A database that an earlier version has filled.
func TestMigrateBringsRowKeysUpToDate(t *testing.T) {
	w := filled(t)
	const content = "SELECT row_key::text || row_hash || run_id FROM obs.certificates ORDER BY 1"
	before := query[string](t, w.db, content)
	change(t, w.db, `UPDATE obs.certificates SET row_hash = gen_random_uuid(),
		row_key = encode(substr(uuid_send(row_key), 1, 6) || substr(sha256(convert_to(certificate_arn, 'UTF8')), 1, 10), 'hex')::uuid;
		INSERT INTO hub.old_identity VALUES ('certificates')`)
	hub(t.Context(), "check").want(t, program.ExitUsage,
		"obs.certificates has row keys of an earlier version (hub migrate mends it)", "run: hub migrate")
	hub(t.Context(), "verify").want(t, program.ExitUsage, "row keys of an earlier version")
	hub(t.Context(), "migrate", "--dry-run").want(t, program.ExitDone, "row keys of obs.certificates")
	hub(t.Context(), "migrate").want(t, program.ExitDone, "row keys of obs.certificates",
		`msg="row keys are up to date" category=certificates rows=251 updated=251`)
	if after := query[string](t, w.db, content); !slices.Equal(before, after) {
		t.Error("the keys are not those of before")
	}
	hub(t.Context(), "check").want(t, program.ExitDone)
	hub(t.Context(), "verify").want(t, program.ExitDone)
	hub(t.Context(), "verify", "--content").want(t, program.ExitDone)
	hub(t.Context(), "migrate").want(t, program.ExitDone, "nothing to do")
}

func TestMigrationThatFailsKeepsWhatWasDone(t *testing.T) {
	db := pgtest.Empty(t)
	isolate(t, "DATABASE_URL="+db.URL)
	if _, err := db.Pool.Exec(t.Context(), "CREATE SCHEMA obs; CREATE VIEW obs.kms_keys AS SELECT 1 AS x"); err != nil {
		t.Fatal(err)
	}
	hub(t.Context(), "migrate").want(t, program.ExitPartly, "00001_bookkeeping.sql", "table obs.certificates",
		"the steps above stay done")
	if _, err := db.Pool.Exec(t.Context(), "DROP VIEW obs.kms_keys"); err != nil {
		t.Fatal(err)
	}
	hub(t.Context(), "migrate").want(t, program.ExitDone, "table obs.kms_keys", "views")
}

// What --print prints is what migrating makes.
func TestPrintedSchemaIsWhole(t *testing.T) {
	db := pgtest.Empty(t)
	isolate(t, "HUB_DATABASE_URL="+db.URL)
	printed := hub(t.Context(), "migrate", "--print").want(t, program.ExitDone)
	change(t, db, printed.stdout)
	hub(t.Context(), "check").want(t, program.ExitDone)
	steps := parse[[]stepJSON](t, hub(t.Context(), "migrate", "-o", "json").want(t, program.ExitDone))
	if len(steps) != 1 || steps[0].Step != fillStep {
		t.Errorf("migrate did %v, want nothing but to fill the views", steps)
	}
	hub(t.Context(), "migrate").want(t, program.ExitDone, "nothing to do")
	hub(t.Context(), "refresh").want(t, program.ExitDone)
}

func TestAWSThatCannotBeUsed(t *testing.T) {
	w := newWorld(t, 1)
	consume := []string{"consume", "--stream", streamARN, "--drain-timeout", "1s"}
	t.Run("credentials", func(t *testing.T) {
		isolate(t, "DATABASE_URL="+w.db.URL)
		hub(t.Context(), consume...).want(t, program.ExitUsage, "no AWS credentials found")
		hub(t.Context(), "replay", "--bucket", bucket).want(t, program.ExitUsage, "no AWS region is set")
	})
	t.Run("away", func(t *testing.T) {
		t.Setenv("AWS_MAX_ATTEMPTS", "1")
		t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
		hub(t.Context(), "replay", "--bucket", bucket).want(t, program.ExitFailed, awsconfig.NoAnswer)
		t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
		hub(t.Context(), consume...).want(t, program.ExitFailed, awsconfig.NoAnswer)
		t.Setenv("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:1")
		hub(t.Context(), consume...).want(t, program.ExitFailed, awsconfig.NoAnswer, "describe stream")
	})
	t.Run("wrong credentials", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG")
		hub(t.Context(), consume...).want(t, program.ExitUsage, "UnrecognizedClientException", "check credentials")
		hub(t.Context(), "replay", "--bucket", bucket).want(t, program.ExitUsage, "InvalidAccessKeyId",
			"check the AWS credentials")
	})
	t.Run("region", func(t *testing.T) {
		hub(t.Context(), "consume", "--stream", "observability", "--region", "eu-west-1").want(t, program.ExitUsage,
			"stream observability does not exist in eu-west-1")
	})
	t.Run("stream", func(t *testing.T) {
		hub(t.Context(), "consume", "--stream", streamARN+"2").want(t, program.ExitUsage, "does not exist in eu-central-1")
	})
	t.Run("lease table", func(t *testing.T) {
		hub(t.Context(), append(consume, "--lease-table", "nothing")...).want(t, program.ExitUsage,
			"lease table nothing does not exist", "aws dynamodb create-table")
		client := dynamodb.NewFromConfig(w.aws.AWSConfig(hubAccount, region))
		if tables := must(client.ListTables(t.Context(), &dynamodb.ListTablesInput{})).TableNames; len(tables) != 1 {
			t.Errorf("tables %q", tables)
		}
	})
	t.Run("lease table of another stream", func(t *testing.T) {
		client := kinesis.NewFromConfig(w.aws.AWSConfig(hubAccount, region))
		must(client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("second"),
			ShardCount: aws.Int32(1)}))
		c := w.consume()
		programtest.Eventually(t, "the first stream to be read",
			func() bool { return strings.Contains(c.stderr.String(), "lease taken") })
		hub(t.Context(), "consume", "--stream", "second").want(t, program.ExitUsage,
			"lease table observability-hub belongs to stream "+streamARN+"; give --lease-table another name")
		c.stop(t)
	})
	t.Run("lease table that may not be read", func(t *testing.T) {
		denied := w.aws.Inject(awsfake.Fault{Operation: "dynamodb:Scan", Effect: awsfake.Deny})
		defer denied.Remove()
		hub(t.Context(), consume...).want(t, program.ExitUsage, "is dynamodb:Scan allowed?")
	})
	t.Run("bucket", func(t *testing.T) {
		hub(t.Context(), "replay", "--bucket", "nothing").want(t, program.ExitUsage, "s3://nothing",
			"check --bucket, --region and the credentials")
		hub(t.Context(), "replay", "--bucket", bucket, "--bucket-prefix", "/x").want(t, program.ExitUsage, "--bucket-prefix")
	})
	t.Run("flags", func(t *testing.T) {
		hub(t.Context(), append(consume, "--budget-mib", "1")...).want(t, program.ExitUsage, "--budget-mib",
			"Budget is 1048576")
		hub(t.Context(), append(consume, "--metrics-addr", "256.0.0.1:1")...).want(t, program.ExitUsage,
			"--metrics-addr 256.0.0.1:1")
		hub(t.Context(), append(consume, "--keep", "1h")...).want(t, program.ExitUsage,
			"--keep 1h0m0s is less than the 24h0m0s")
		hub(t.Context(), append(consume, "--lease-duration", "1ms")...).want(t, program.ExitUsage, "LeaseDuration")
	})
	t.Run("no table", func(t *testing.T) {
		if _, err := w.db.Pool.Exec(t.Context(), "DROP SCHEMA obs CASCADE; CREATE SCHEMA obs"); err != nil {
			t.Fatal(err)
		}
		hub(t.Context(), consume...).want(t, program.ExitUsage, "no table fits", "run: hub check")
		hub(t.Context(), "replay", "--bucket", bucket).want(t, program.ExitUsage, "a table does not fit", "hub check")
		hub(t.Context(), "verify").want(t, program.ExitUsage, "a table does not fit")
	})
}

func TestErrorsOfAWSNameTheNextStep(t *testing.T) {
	for code, text := range map[string]string{
		"UnrecognizedClientException": "check the AWS credentials", "InvalidClientTokenId": "check the AWS credentials",
		"InvalidAccessKeyId": "check the AWS credentials", "SignatureDoesNotMatch": "check the AWS credentials",
		"InvalidSignatureException": "the clock", "RequestTimeTooSkewed": "the clock", "ExpiredTokenException": "no",
		"ExpiredToken":                 "no",
		"AuthorizationHeaderMalformed": "--region", "NoSuchBucket": "check --bucket, --region and the credentials",
		"AccessDenied": "no",
	} {
		err := prerequisite(fmt.Errorf("reading: %w", &smithy.GenericAPIError{Code: code, Message: "no"}))
		if program.ExitCode(err) != program.ExitUsage || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", code, err)
		}
	}
	if err := prerequisite(&smithy.GenericAPIError{Code: "InternalError"}); program.ExitCode(err) != program.ExitFailed {
		t.Error(err)
	}
}

func TestStatusRejectsAndRefresh(t *testing.T) {
	w := newWorld(t, 1)
	c := w.consume("--no-refresh")
	w.send("111122223333", collector(schemas.Certificates, nil, certificate(1, "ISSUED"), certificate(2, "ISSUED")),
		collector(schemas.ServiceCosts, nil, cost("Amazon S3", "1.25")))
	programtest.Eventually(t, "two runs", func() bool {
		return w.count("SELECT count(*) FROM hub.run WHERE outcome IS "+
			"NOT NULL") == 2
	})
	w.send("111122223333", collector(schemas.Certificates, fmt.Errorf("denied"), certificate(1, "EXPIRED")))
	w.put([]byte("garbage\x00"))
	programtest.Eventually(t, "three runs and a reject", func() bool {
		return w.count("SELECT count(*) FROM hub.run WHERE outcome IS NOT NULL")+w.count(
			"SELECT count(*) FROM hub.reject") == 4
	})
	c.stop(t)

	s := parse[verify.Status](t, hub(t.Context(), "status", "-o", "json").want(t, program.ExitDone))
	by := map[string]verify.CategoryStatus{}
	for _, c := range s.Categories {
		by[c.Category] = c
	}
	if got := by["certificates"]; got.Live != 2 || got.Rows != 3 || got.New != 2 || got.Changed != 1 || got.Runs != 2 ||
		got.Incomplete != 1 || got.NewestRun == nil || !got.NewestRun.After(*got.Completed) {
		t.Errorf("certificates %+v", got)
	}
	if got := by["secrets"]; got.Live != 0 || got.NewestRun != nil {
		t.Errorf("secrets %+v", got)
	}
	if got := by[""]; got.Rejects != 1 {
		t.Errorf("unknown category %+v", got)
	}
	if len(s.Shards) != 1 || s.Shards[0].Sequence == "" || s.Shards[0].Lag == nil || s.Shards[0].Stream != streamARN ||
		len(s.Gaps) != 0 || len(s.Views) == 0 {
		t.Errorf("%+v", s)
	}
	s = parse[verify.Status](t, hub(t.Context(), "status", "-o", "json", "--since", "1ns"))
	certificates := of(t, s.Categories, "certificates", func(c verify.CategoryStatus) string { return c.Category })
	if certificates.Rows != 0 || certificates.Live != 2 {
		t.Errorf("%+v", certificates)
	}
	if _, err := w.db.Pool.Exec(t.Context(), "INSERT INTO hub.gap (stream, stream_created_at, shard, after_sequence, "+
		"until_sequence, reason) VALUES ('s', now(), 'shard-7', '1', '2', 'trimmed'); UPDATE hub.scope SET live_rows = -1 "+
		"WHERE category = 'certificates'"); err != nil {
		t.Fatal(err)
	}
	hub(t.Context(), "status").want(t, program.ExitDone, "│ certificates      │         2 │", "shardId-000000000000",
		"gap in s shard-7, from its beginning to at most 20", "hub replay --to 20", "public.findings_by_product", "(unknown)")

	change(t, w.db, `INSERT INTO hub.unknown_key (category, key, count, seen_at) VALUES
		('secrets', 'b', 3, now()), ('secrets', 'a', 4, now()), ('secrets', '', 5, now()), ('secrets', 'old', 6, now() - interval '2 days')`)
	hub(t.Context(), "status").want(t, program.ExitDone,
		"secrets: values of keys without a column were left out: a (4), b (3), others (5); their senders")
	if s := parse[verify.Status](t, hub(t.Context(), "status", "-o", "json", "--since", "72h")); len(s.Unknown) != 4 ||
		s.Unknown[0].Key != "old" || s.Unknown[0].Values != 6 {
		t.Errorf("%+v", s.Unknown)
	}

	// A stream that was made again is told from the one before.
	change(t, w.db, "INSERT INTO hub.gap (stream, stream_created_at, shard, after_sequence, until_sequence, reason) "+
		"VALUES ('s', '2026-08-01 10:00:00Z', 'shard-7', '1', '2', 'trimmed')")
	change(t, w.db, "UPDATE hub.gap SET after_arrived_at = '2026-08-01T10:00:00Z', detected_at = '2026-08-03T04:00:00Z'")
	hub(t.Context(), "status").want(t, program.ExitDone,
		"from 2026-08-01 10:00:00 to at most 2026-08-03 04:00:00: trimmed", "hub replay --from 2026-08-01 --to 2026-08-03")
	hub(t.Context(), "status").want(t, program.ExitDone, "gap in s created 2026-08-01 10:00:00 shard-7",
		"│ observability │")
	hub(t.Context(), "status", "--wide").want(t, program.ExitDone, "│ "+streamARN+" │", s.Shards[0].Sequence, "ROWS IN")
	if s := parse[verify.Status](t, hub(t.Context(), "status", "-o", "json")); len(s.Gaps) != 2 ||
		s.Gaps[0].Created.Equal(s.Gaps[1].Created) || s.Shards[0].Created.IsZero() {
		t.Errorf("%+v", s)
	}

	rejects := parse[[]rejectJSON](t, hub(t.Context(), "rejects", "list", "-o", "json").want(t, program.ExitDone))
	if len(rejects) != 1 || rejects[0].State != "open" || rejects[0].Reason != "not_envelope" || rejects[0].Size != 8 ||
		!rejects[0].HasBytes || rejects[0].Run != nil {
		t.Fatalf("%+v", rejects)
	}
	if r := hub(t.Context(), "rejects", "show", fmt.Sprint(rejects[0].ID)).want(t, program.ExitDone,
		`"reason": "not_envelope"`); r.stdout != "garbage\x00" {
		t.Errorf("stdout %q", r.stdout)
	}
	hub(t.Context(), "rejects", "list").want(t, program.ExitDone, "│ not_envelope, open ")
	hub(t.Context(), "rejects", "list", "--state", "parked").want(t, program.ExitDone, "no rejects")
	hub(t.Context(), "rejects", "list", "--category", "kms_keys", "--account", "111122223333").want(t, program.ExitDone,
		"no rejects")
	hub(t.Context(), "rejects", "show", "999").want(t, program.ExitUsage, "there is no reject 999")

	if got := w.count("SELECT count(*) FROM pg_matviews WHERE NOT ispopulated"); got != 0 {
		t.Errorf("%d views were not filled by hub migrate", got)
	}
	views := parse[[]refreshJSON](t, hub(t.Context(), "refresh", "-o", "json").want(t, program.ExitDone))
	var refreshed []string
	for _, v := range views {
		if refreshed = append(refreshed, v.View); v.Error != "" {
			t.Errorf("%+v", v)
		}
	}
	for _, view := range []string{"summary.costs", "public.cost_monthly", "public.account_overview",
		"history.daily_measures"} {
		if !slices.Contains(refreshed, view) {
			t.Errorf("refreshed %q, want %s among them", refreshed, view)
		}
	}
	if got := w.count("SELECT count(*) FROM public.cost_monthly"); got == 0 {
		t.Error("no rows after the refresh")
	}
	hub(t.Context(), "refresh").want(t, program.ExitDone, "nothing to do")
	hub(t.Context(), "refresh", "--all").want(t, program.ExitDone, "public.findings_by_product", "public.cost_monthly")
	for _, index := range query[string](t, w.db,
		"SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'public.cost_monthly'::regclass AND indisunique") {
		change(t, w.db, "DROP INDEX "+index)
	}
	hub(t.Context(), "refresh", "--all").want(t, program.ExitPartly, fmt.Sprintf("1 of %d views failed",
		w.count("SELECT count(*) FROM hub.view_refresh")),
		"public.cost_monthly", "public.findings_by_product")
	change(t, w.db, "UPDATE hub.reject_count SET counted = 5, counted_at = now()")
	const counted = "account (various): besides the 1 that are stored, 5 more were only counted"
	hub(t.Context(), "rejects", "list").want(t, program.ExitDone, counted)
	hub(t.Context(), "status").want(t, program.ExitDone, counted)
	change(t, w.db, "UPDATE hub.reject SET at = now() - interval '91 days'")
	change(t, w.db, "UPDATE hub.reject_count SET counted_at = now() - interval '91 days'")
	hub(t.Context(), "refresh").want(t, program.ExitPartly, "deleted old rejects")
	hub(t.Context(), "rejects", "list").want(t, program.ExitDone, "no rejects")
	if n := w.count("SELECT count(*) FROM hub.reject_count"); n != 0 {
		t.Errorf("%d numbers of rejects are left", n)
	}
}

// put puts one record as it is into the stream.
func (w *world) put(data []byte) {
	w.Helper()
	if err := w.publisher.Publish(w.Context(), []stream.Message{{PartitionKey: "x", Data: data}}); err != nil {
		w.Fatal(err)
	}
}

func TestStatusIsWatched(t *testing.T) {
	db := pgtest.New(t, template)
	isolate(t, "DATABASE_URL="+db.URL)
	change(t, db, `
		INSERT INTO hub.scope (scope, category, account_id, region, slice, live_rows)
		SELECT gen_random_uuid(), category, '111122223333', 'eu-central-1', '', 1 FROM (VALUES ('ec2_instances'), ('secrets')) s(category);
		INSERT INTO hub.run (scope, run, collected_at, outcome, end_rows, end_parts, parts)
		SELECT scope, gen_random_uuid(), now() - CASE category WHEN 'secrets' THEN interval '1 hour' ELSE interval '2 hours' END, 'ok', 0, 0, 0
		FROM hub.scope;
		INSERT INTO hub.shard_progress (stream, stream_created_at, shard, sequence_number, arrived_at)
		VALUES ('arn:aws:kinesis:eu-central-1:444455556666:stream/observability', now(), 'shardId-000000000000', 1, now())`)
	ctx, stop := context.WithCancel(t.Context())
	var stdout, stderr programtest.Buffer
	code := make(chan int, 1)
	go func() { code <- run(ctx, &stdout, &stderr, []string{"status", "--watch", "1s"}) }()
	programtest.Eventually(t, "the status, twice", func() bool {
		return strings.Count(stdout.String(), "UTC, every 1s; Ctrl-C ends it\n┌") == 2
	})
	rest, _, _ := strings.Cut(stdout.String(), "\n\n")
	for _, moves := range []string{"shardId-000000000000", "│ secrets ", "│ ec2_instances "} {
		var found bool
		if _, rest, found = strings.Cut(rest, moves); !found {
			t.Errorf("%s is not in its place:\n%s", moves, stdout.String())
		}
	}
	stop()
	if got := <-code; got != program.ExitDone || stderr.String() != "" {
		t.Errorf("exit code %d: %s", got, stderr.String())
	}
}
