package archive_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// Server is one server.
type Server struct {
	// Name of the server.
	Name string `col:"name,key"`
	// SizeBytes of its disk.
	SizeBytes *int64 `col:"size_bytes"`
}

// A run is written, found again and read.
func Example() {
	ctx := context.Background()
	client, stop := exampleClient() // in a program: s3.NewFromConfig(cfg)
	defer stop()
	bucket, err := archive.New(archive.Config{Client: client, Name: "archive"})
	if err != nil {
		log.Fatal(err)
	}
	servers := schema.Of[Server](schema.Spec{Name: "servers", Mode: schema.Snapshot})
	scope := schema.Scope{Category: "servers", Account: "123456789012", Region: "eu-central-1"}
	id, _ := schema.ParseRunID("01981c5e-7c00-7000-8000-000000000001")

	appender := rows.NewAppender(servers, nil)
	for _, name := range []string{"a", "b"} {
		if err := appender.Append(&Server{Name: name}); err != nil {
			log.Fatal(err)
		}
	}
	record := appender.Record()
	defer record.Release()

	w := bucket.Create(scope, id, servers.Table)
	parts := []archive.Part{{Number: 0, Rows: 2}} // with the SHA-256 that package envelope gave it
	if err := w.WriteFile(ctx, record, parts); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(ctx, schema.OK, "", 1, 2); err != nil {
		log.Fatal(err)
	}

	for run, err := range bucket.Runs(ctx, archive.Filter{Accounts: []string{"123456789012"}}) {
		if err != nil {
			log.Fatal(err)
		}
		manifest, err := bucket.ReadManifest(ctx, run)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(manifest.Scope(), manifest.Outcome)
		for i := range manifest.Files {
			file, err := bucket.Open(ctx, servers.Table, manifest, i)
			if err != nil {
				log.Fatal(err) // an *archive.Error concerns this file only
			}
			records, err := file.Records(ctx)
			if err != nil {
				log.Fatal(err) // so does a *schema.RowError
			}
			for _, r := range records {
				fmt.Println(r.NumRows(), "rows:", r.Column(0))
				r.Release()
			}
		}
	}
	// Output:
	// servers/123456789012/eu-central-1 ok
	// 2 rows: ["a" "b"]
}
