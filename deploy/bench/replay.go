package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hubspoke/observability/lib/archive"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/awsfake"
	"github.com/hubspoke/observability/lib/pgtest/pgserver"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
	"github.com/hubspoke/observability/schemas"
)

const (
	// s3Latency is what S3 takes for an answer.
	s3Latency = 30 * time.Millisecond
	// slowed is the share of the rate that must remain with it.
	slowed = 0.8
)

// archived is an archive to be replayed: runs of one file each, of findings and of
// secrets in turn.
type archived struct {
	what               string
	scopes, runs, rows int // runs of a scope and rows of a file
	unit               string
	goal               float64
}

// replays are the archives that are measured: what an hour's runs of small accounts
// are (most rows stay the same), and what large accounts are.
func (s size) replays() []archived {
	return []archived{
		{"small files", s.smallFiles / 8, 8, 90, "files", 400},
		{"files of 5,000 rows", s.largeFiles, 1, 5000, "rows", 40_000},
	}
}

// measureReplays has hub replay archives, with and without the latency of S3.
func measureReplays(ctx context.Context, program string, s size) ([]usage, error) {
	var usages []usage
	for _, a := range s.replays() {
		near, err := measureReplay(ctx, program, a, 0)
		if err != nil {
			return nil, err
		}
		near.goal = a.goal
		far, err := measureReplay(ctx, program, a, s3Latency)
		if err != nil {
			return nil, err
		}
		far.goal = slowed * min(near.rate(), a.goal)
		usages = append(usages, near, far)
	}
	return usages, nil
}

func measureReplay(ctx context.Context, program string, a archived, latency time.Duration) (usage, error) {
	files := a.scopes * a.runs
	u := usage{what: fmt.Sprintf("hub replay, %d %s", files, a.what), limit: 512 << 20, count: files, unit: a.unit}
	if a.unit == "rows" {
		u.count = files * a.rows
	}
	server, err := awsfake.New(awsfake.Config{Region: region})
	if err != nil {
		return u, err
	}
	defer server.Close()
	if err := fillArchive(ctx, server, a); err != nil {
		return u, fmt.Errorf("fill the archive: %w", err)
	}
	postgres, err := pgserver.Start(ctx, pgserver.Config{})
	if err != nil {
		return u, err
	}
	defer postgres.Stop()
	env := append(server.Environment(hubAccount), "DATABASE_URL="+postgres.URL())
	if latency > 0 {
		u.what += fmt.Sprintf(", %v to S3", latency)
		slow, err := newSlowLine(strings.TrimPrefix(server.URL(), "http://"), latency)
		if err != nil {
			return u, err
		}
		defer slow.Close()
		env = append(env, "AWS_ENDPOINT_URL=http://"+slow.Addr().String())
	}
	migrate, err := command(ctx, env, program, "migrate")
	if err != nil {
		return u, err
	}
	if err := migrate.Run(); err != nil {
		return u, err
	}
	cmd, err := command(ctx, env, program, "replay", "--bucket", bucketName)
	if err != nil {
		return u, err
	}
	began := time.Now()
	hub, err := start(cmd)
	if err != nil {
		return u, err
	}
	<-hub.ended
	u.elapsed, u.memory = time.Since(began), hub.memory.Load()
	if hub.err != nil {
		return u, fmt.Errorf("it did not replay everything, see its log: %w", hub.err)
	}
	return u, nil
}

// fillArchive writes what a describes.
func fillArchive(ctx context.Context, server *awsfake.Server, a archived) error {
	client := awsconfig.S3(server.AWSConfig(hubAccount, region))
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucketName)}); err != nil {
		return err
	}
	bucket, err := archive.New(archive.Config{Client: client, Name: bucketName})
	if err != nil {
		return err
	}
	findings, err := findingsRecord(a.rows)
	if err != nil {
		return err
	}
	defer findings.Release()
	secrets, err := secretsRecord(a.rows)
	if err != nil {
		return err
	}
	defer secrets.Release()
	started := time.Now().Add(-time.Duration(a.runs) * time.Hour)
	for scope := range a.scopes {
		table, record := schemas.SecurityFindings.Table, findings
		if scope%2 == 1 {
			table, record = schemas.Secrets.Table, secrets
		}
		name := schema.Scope{Category: table.Name(), Account: fmt.Sprintf("%012d", scope/2), Region: region}
		for run := range a.runs {
			w := bucket.Create(name, schema.NewRunID(started.Add(time.Duration(run)*time.Hour)), table)
			part := archive.Part{Rows: a.rows, SHA256: archive.Sum{byte(scope), byte(scope >> 8), byte(run), 1}}
			if err := w.WriteFile(ctx, record, []archive.Part{part}); err != nil {
				return err
			}
			if err := w.Close(ctx, schema.OK, "", 1, int64(a.rows)); err != nil {
				return err
			}
		}
	}
	return nil
}

func secretsRecord(n int) (arrow.Record, error) {
	a := rows.NewAppender(schemas.Secrets, nil)
	defer a.Release()
	changed := time.Date(2026, 10, 19, 20, 11, 4, 0, time.UTC)
	for i := range n {
		name := fmt.Sprintf("orders/database/%08x", i)
		if err := a.Append(&schemas.Secret{
			SecretARN: fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-AbCdEf", region, account, name), Name: name,
			LastChangedAt: &changed, SecretCreatedAt: &changed,
		}); err != nil {
			return nil, err
		}
	}
	return a.Record(), nil
}

// slowLine passes connections on to a server, and every request a while later. It
// counts on a client that waits for each answer, as HTTP/1.1 clients do.
type slowLine struct {
	net.Listener
	to      string
	latency time.Duration
}

func newSlowLine(to string, latency time.Duration) (*slowLine, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &slowLine{listener, to, latency}
	go l.accept()
	return l, nil
}

func (l *slowLine) accept() {
	for {
		client, err := l.Accept()
		if err != nil {
			return // it is closed
		}
		server, err := net.Dial("tcp", l.to)
		if err != nil {
			_ = client.Close()
			continue
		}
		go func() {
			_ = l.forward(server, client)
			_ = server.Close()
		}()
		go func() {
			_, _ = io.Copy(client, server)
			_ = client.Close()
		}()
	}
}

// forward passes on what a client sends. A request without a body is one read.
func (l *slowLine) forward(server io.Writer, client io.Reader) error {
	buffer := make([]byte, 16<<10)
	for {
		n, err := client.Read(buffer)
		if n > 0 {
			time.Sleep(l.latency)
			if _, err := server.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
