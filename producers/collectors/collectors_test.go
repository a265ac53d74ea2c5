package collectors

import (
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hubspoke/observability/lib/awssnapshot"
	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/collect/collecttest"
)

// testCollector tests a collector with its recordings, and with the snapshots of the SDK.
func testCollector[T any](t *testing.T, c collect.Collector[T]) {
	t.Helper()
	collecttest.Run(t, c, collecttest.Actions(action), collecttest.Snapshots(sdkSnapshot))
}

// sdkSnapshot returns the answer of an operation that the SDK's own tests have, nil if they
// have none.
func sdkSnapshot(serviceID, operation string) ([]byte, error) {
	if slices.Contains(slices.Collect(maps.Values(jsonCalls)), serviceID) {
		return nil, nil
	}
	dirs, err := sdkModules()
	if err != nil {
		return nil, err
	}
	dir := dirs[strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(serviceID))]
	if dir == "" {
		return nil, fmt.Errorf("no module of the SDK is called like the service %q", serviceID)
	}
	answer, err := awssnapshot.Read(dir, awssnapshot.Response, operation)
	if errors.Is(err, awssnapshot.ErrNone) {
		return nil, nil
	}
	return []byte(answer.Body), err
}

// sdkModules returns the directories of the SDK's modules, by name.
var sdkModules = sync.OnceValues(func() (map[string]string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Dir}}", sdk+"...").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	dirs := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		dirs[strings.TrimPrefix(path, sdk)] = dir
	}
	return dirs, nil
})
