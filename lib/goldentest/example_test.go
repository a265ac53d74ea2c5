package goldentest_test

import (
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/goldentest"
)

func ExampleEqual() {
	// A func Test... of your package.
	test := func(t *testing.T) {
		got := strings.Join([]string{"one", "two", "three", ""}, "\n")
		goldentest.Equal(t, "lines.txt", got)
	}
	_ = test
}
