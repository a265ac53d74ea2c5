package refresh

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var beats []time.Duration
		stop := heartbeat(10*time.Second, func(elapsed time.Duration) { beats = append(beats, elapsed) })
		time.Sleep(25 * time.Second)
		stop()
		time.Sleep(time.Hour)
		if want := []time.Duration{10 * time.Second, 20 * time.Second}; !slices.Equal(beats, want) {
			t.Errorf("beats after %v, want %v", beats, want)
		}
	})
}
