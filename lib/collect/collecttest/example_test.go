package collecttest_test

import (
	"testing"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/collect/collecttest"
)

// Certificate is a row type.
type Certificate struct{}

var certificates collect.Collector[Certificate]

// A collector is tested by one line, and its recordings in testdata/certificates/.
func Example() {
	_ = func(t *testing.T) { // TestCertificates
		collecttest.Run(t, certificates)
	}
}
