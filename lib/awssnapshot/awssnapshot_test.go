package awssnapshot_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hubspoke/observability/lib/awssnapshot"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"request_snapshot/ListKeys.request.snap":        "POST /\n\nContent-Type: application/json\n\n{\"Limit\":1}",
		"request_snapshot/ListFunctions.request.snap":   "GET /functions?Marker=__Marker__\n\n\n",
		"response_snapshot/ListKeys.response.snap":      "200\nContent-Type: a\nX-Amz-Target: b\n\n{\"Keys\":[\n\n]}",
		"response_snapshot/ListFunctions.response.snap": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		kind      awssnapshot.Kind
		operation string
		want      awssnapshot.Snapshot
		err       error
	}{
		{awssnapshot.Request, "ListKeys", awssnapshot.Snapshot{
			First: "POST /", Headers: "Content-Type: application/json", Body: `{"Limit":1}`,
		}, nil},
		{awssnapshot.Request, "ListFunctions", awssnapshot.Snapshot{First: "GET /functions?Marker=__Marker__"}, nil},
		{awssnapshot.Response, "ListKeys", awssnapshot.Snapshot{
			First: "200", Headers: "Content-Type: a\nX-Amz-Target: b", Body: "{\"Keys\":[\n\n]}",
		}, nil},
		{awssnapshot.Response, "ListFunctions", awssnapshot.Snapshot{}, nil},
		{awssnapshot.Response, "ListAliases", awssnapshot.Snapshot{}, awssnapshot.ErrNone},
	} {
		got, err := awssnapshot.Read(dir, test.kind, test.operation)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s of %s: %+v, error %v; want %+v, %v", test.kind, test.operation, got, err, test.want, test.err)
		}
	}
}
