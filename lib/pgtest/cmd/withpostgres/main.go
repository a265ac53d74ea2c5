// Command withpostgres runs a command with DATABASE_URL set to a PostgreSQL
// server that it starts before and stops after:
//
//	withpostgres go test ./...
//
// If DATABASE_URL is set already, that server is used. The exit code is the
// command's; 2 if the server cannot be started.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/hubspoke/observability/lib/pgtest/pgserver"
)

const urlVariable = "DATABASE_URL"

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: withpostgres command [argument ...]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, command []string) (code int) {
	url := os.Getenv(urlVariable)
	if url == "" {
		server, err := pgserver.Start(ctx, pgserver.Config{})
		if err != nil {
			fmt.Fprintln(os.Stderr, "withpostgres:", err)
			return 2
		}
		defer func() {
			if err := server.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "withpostgres:", err)
				code = max(code, 1)
			}
		}()
		url = server.URL()
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), urlVariable+"="+url)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
		return 1
	}
	return 0
}
