package stream_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/hubspoke/observability/lib/stream"
)

func TestCompare(t *testing.T) {
	long := strings.Repeat("9", 128)
	ascending := []string{"", "0", "9", "10", "49590338271490256608559692538361571095921575989136588898", long}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := stream.CompareSequences(a, b); got != want {
				t.Errorf("CompareSequences(%.8q, %.8q) is %d, not %d", a, b, got, want)
			}
		}
	}
	if stream.CompareSequences("LATEST", "") != 0 || stream.CompareSequences("0x10", "0") != -1 {
		t.Error("text that is no number is not compared as the empty one")
	}
}

func TestPublishError(t *testing.T) {
	err := error(&stream.PublishError{Failed: []int{1, 4}, Err: io.ErrUnexpectedEOF})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is not unwrapped")
	}
	if got := err.Error(); got != "2 messages not stored: unexpected EOF" {
		t.Errorf("the text is %q", got)
	}
}

func ExampleCompare() {
	fmt.Println(stream.CompareSequences("9", "10"))
	// Output: -1
}
