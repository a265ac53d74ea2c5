// Package awssnapshot reads the snapshots that modules of the AWS SDK ship for their own
// tests: a request and an answer of each operation, in the protocol of the service, and with
// every member filled. Not every module has them.
package awssnapshot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Kind is what a snapshot is of.
type Kind string

// The kinds of snapshots that operations have.
const (
	Request  Kind = "request"
	Response Kind = "response"
)

// Snapshot is a request or an answer.
type Snapshot struct {
	// First is the method and target of a request ("GET /clusters?maxResults=1"), or the status
	// of an answer.
	First string
	// Headers are one a line.
	Headers string
	// Body is as it was sent: JSON, XML, CBOR or a form.
	Body string
}

// ErrNone is the error of an operation that has no snapshot.
var ErrNone = errors.New("the SDK has no snapshot of this operation")

// Read returns the snapshot of an operation in the directory of its module.
func Read(dir string, kind Kind, operation string) (Snapshot, error) {
	file := filepath.Join(dir, string(kind)+"_snapshot", operation+"."+string(kind)+".snap")
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Snapshot{}, ErrNone
	}
	if err != nil {
		return Snapshot{}, err
	}
	var s Snapshot
	var rest string
	s.First, rest, _ = strings.Cut(string(content), "\n")
	s.Headers, s.Body, _ = strings.Cut(strings.TrimPrefix(rest, "\n"), "\n\n")
	s.Headers = strings.TrimSpace(s.Headers)
	return s, nil
}
