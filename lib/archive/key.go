package archive

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hubspoke/observability/lib/schema"
)

// Run is a run as its place in the archive names it. Its slice, if it has one, is
// in the manifest.
type Run struct {
	// Account, Region and Category of the run's scope.
	Account, Region, Category string
	// ID of the run.
	ID schema.RunID
	// Unfinished is set if there are files and no manifest: the run is still being
	// written, or its writer died.
	Unfinished bool
	// Modified is when the newest object of the run was stored, by the clock of S3.
	Modified time.Time
	// ManifestSize is how many bytes the manifest has; 0 if there is none, or if the
	// run does not come from a listing.
	ManifestSize int64
}

// String returns the names of account, region and category, and the run.
func (r Run) String() string {
	return fmt.Sprintf("%s/%s/%s run %s", r.Category, r.Account, r.Region, r.ID)
}

// The levels of a key. The account comes first, so that a bucket policy can bind
// the prefix to the caller.
const (
	accountLevel  = "account="
	regionLevel   = "region="
	categoryLevel = "category="
	dateLevel     = "date="

	// Athena, Trino and Spark pass over objects with names that begin with _.
	manifestPrefix = "_"
	manifestSuffix = ".manifest.json"
	fileSuffix     = ".parquet"

	// maxYear is the last one in which a run may start.
	maxYear = 9999
)

// category returns the prefix of the runs of all scopes of a category, account and
// region.
func categoryPrefix(account, region, category string) string {
	return accountLevel + account + "/" + regionLevel + region + "/" + categoryLevel + category + "/"
}

// dir returns the prefix of the objects of the run.
func (r Run) dir() string {
	return categoryPrefix(r.Account, r.Region, r.Category) + dateLevel + r.ID.Time().Format(time.DateOnly) + "/"
}

func (r Run) manifestKey() string { return r.dir() + manifestPrefix + r.ID.String() + manifestSuffix }

// fileName returns the name of the run's n-th file, without its prefix.
func fileName(run schema.RunID, n int) string {
	return run.String() + "-" + strconv.Itoa(n) + fileSuffix
}

// fileNumber is the reverse of fileName.
func fileNumber(run schema.RunID, name string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(strings.TrimSuffix(name, fileSuffix), run.String()+"-")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n >= 0 && fileName(run, n) == name
}

// parseKey takes a key, without the prefix of the archive, apart. It accepts
// exactly the keys that the archive gives.
func parseKey(key string) (r Run, manifest bool, ok bool) {
	levels := strings.Split(key, "/")
	if len(levels) != 5 {
		return Run{}, false, false
	}
	for i, to := range []struct {
		level string
		value *string
	}{{accountLevel, &r.Account}, {regionLevel, &r.Region}, {categoryLevel, &r.Category}} {
		if *to.value, ok = strings.CutPrefix(levels[i], to.level); !ok {
			return Run{}, false, false
		}
	}
	name := levels[4]
	run := strings.TrimPrefix(name, manifestPrefix)
	id, err := schema.ParseRunID(run[:min(len(run), 36)])
	if err != nil || checkScope(r.Account, r.Region, r.Category) != nil {
		return Run{}, false, false
	}
	// Days with five digits of a year are not in the order of their names.
	if id.Time().Year() > maxYear {
		return Run{}, false, false
	}
	r.ID = id
	if key == r.manifestKey() {
		return r, true, true
	}
	_, ok = fileNumber(id, name)
	return r, false, ok && key == r.dir()+name
}

func checkScope(account, region, category string) error {
	return schema.Scope{Account: account, Region: region, Category: category}.Validate()
}
