package load_test

import (
	"testing"

	"github.com/hubspoke/observability/lib/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
