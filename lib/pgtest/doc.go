// Package pgtest gives every test a PostgreSQL database of its own, quickly: a
// template database is migrated once and cloned per test.
//
//	func TestLoad(t *testing.T) {
//		db := pgtest.New(t, pgtest.Template{Name: "inventory", Migrate: migrate})
//		// use db.Pool or db.URL; the database is dropped after the test
//	}
//
// The databases are made on the server that the environment variable
// DATABASE_URL names; its role must be allowed to create databases. Only databases with
// names that begin with pgtest_ are ever made or dropped. Without DATABASE_URL each
// test process starts a server of its own from the installed binaries, which costs
// about a second. To start one server for many packages:
//
//	go run github.com/hubspoke/observability/lib/pgtest/cmd/withpostgres go test ./...
//
// Databases are as quick as the disk: on Linux with memory to spare,
// TMPDIR=/dev/shm makes cloning several times faster.
//
// A process's own server ends with the process. Tests that count goroutines
// call Main from TestMain, which stops it before they are counted.
//
// A test fails, and is not skipped, where there is no PostgreSQL.
package pgtest
