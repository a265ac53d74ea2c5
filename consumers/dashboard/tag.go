package dashboard

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// validity is until when the ages of a page are written right, nil: of no page.
type validity struct{ until time.Time }

// keptFor is how long an answer is right at most. What few views show changes without a run
// and without a refresh, such as rejects that somebody drops.
const keptFor = 5 * time.Minute

// aged notes that an age is shown, which is another one after some time. Ages of seconds are
// as good for a minute.
func (v *validity) aged(now time.Time, age time.Duration) {
	if v == nil {
		return
	}
	unit := time.Minute
	switch abs := age.Abs(); {
	case abs >= 48*time.Hour:
		unit = 24 * time.Hour
	case abs >= time.Hour:
		unit = time.Hour
	}
	left := unit - age%unit // of what lies ahead the time until it is nearer by a unit
	if age < 0 {
		left = -age % unit
	}
	if next := now.Add(max(left, time.Second)); next.Before(v.until) {
		v.until = next
	}
}

// errUnchanged says that the browser has the page as it is now.
var errUnchanged = errors.New("the page is as it was")

// stateOf names what a page is made of: the program, the address, what somebody may see, and
// what the one query for all pages says of the data. "" if that is not known.
func (s *server) stateOf(r *http.Request, rights string, set rowSet) string {
	if set.err != nil {
		return ""
	}
	made := fmt.Appendf(nil, "%q %q %q", s.version, r.URL.RequestURI(), rights)
	for _, row := range set.rows {
		for _, v := range row {
			made = fmt.Appendf(made, " %q", text(v))
		}
	}
	sum := sha256.Sum256(made)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// tag is the ETag of a page. It is weak: the time at the foot of the page may differ.
func tag(state string, until time.Time) string {
	return fmt.Sprintf(`W/"%s.%d"`, state, until.Unix())
}

// unchanged reports whether the browser has the page in this state, with ages that are right.
func unchanged(r *http.Request, state string, now time.Time) bool {
	if state == "" {
		return false
	}
	for known := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		name := strings.Trim(strings.TrimPrefix(strings.TrimSpace(known), "W/"), `"`)
		of, until, _ := strings.Cut(name, ".")
		if seconds, err := strconv.ParseInt(until, 10, 64); err == nil && of == state && now.Unix() < seconds {
			return true
		}
	}
	return false
}
