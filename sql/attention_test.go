package sql_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

// in returns the time in so many days; an hour keeps it away from the boundary.
func in(days int) string {
	return time.Now().Add(time.Duration(days)*24*time.Hour + time.Hour).UTC().Format(time.RFC3339)
}

func (db *database) certificate(name string, values ...string) {
	db.Helper()
	db.insert("certificates", append([]string{
		"certificate_arn", "arn:" + name, "domain_name", name, "status", "ISSUED", "in_use", "true", "renewal_eligibility",
		"ELIGIBLE",
	}, values...)...)
}

// key adds an ordinary key with rotation switched on.
func (db *database) key(name string, values ...string) {
	db.Helper()
	db.insert("kms_keys", append([]string{
		"key_arn", "arn:" + name, "key_id", "id", "aliases", `["` + name + `", "alias/other"]`, "key_manager", "CUSTOMER",
		"key_state", "Enabled", "key_spec", "SYMMETRIC_DEFAULT", "origin", "AWS_KMS", "rotation_enabled", "true",
		"next_rotation_at", in(100),
	}, values...)...)
}

func (db *database) secret(name string, values ...string) {
	db.Helper()
	db.insert("secrets", append([]string{
		"secret_arn", "arn:" + name, "name", name, "rotation_enabled", "true", "next_rotation_at", in(10),
	}, values...)...)
}

const attention = "SELECT resource_name, severity, severity_order, issue, days_left FROM needs_attention ORDER BY 1, 4"

// TestTimePassesWithoutARefresh: nothing that depends on the present is
// materialized.
func TestTimePassesWithoutARefresh(t *testing.T) {
	db := newDatabase(t)
	// Nobody knows how long a refresh takes: of certificates that become due one after
	// the other some are due at the first look, and the next one becomes so.
	soon := time.Now().Add(45 * 24 * time.Hour)
	for i := range 600 {
		db.certificate(fmt.Sprintf("%03d", i), "not_after",
			soon.Add(time.Duration(i)*time.Second).UTC().Format(time.RFC3339Nano))
	}
	db.refresh()
	first := len(db.rows(attention))
	if first == 600 {
		t.Fatal("all are due already")
	}
	for len(db.rows(attention)) == first {
		time.Sleep(10 * time.Millisecond)
	}
}

// TestEveryIssueIsJudged fails for an issue in attention_facts without a severity or a
// reason: a row of it would be useless.
func TestEveryIssueIsJudged(t *testing.T) {
	db := newDatabase(t)
	db.certificate("a", "not_after", in(-1), "renewal_eligibility", "INELIGIBLE")
	db.certificate("b", "status", "REVOKED")
	db.key("c", "key_state", "PendingDeletion")
	db.key("d", "material_expires_at", in(-5))
	db.key("e", "key_state", "Unavailable")
	db.key("f", "key_state", "NULL")
	db.key("g", "rotation_enabled", "false")
	db.key("h", "rotation_enabled", "NULL")
	db.key("i", "next_rotation_at", in(-5))
	db.secret("j", "deletion_requested_at", in(-5))
	db.secret("k", "rotation_enabled", "false")
	db.secret("l", "rotation_enabled", "NULL")
	db.secret("m", "next_rotation_at", in(-5))
	db.refresh()
	db.want("SELECT issue FROM needs_attention WHERE severity IS NULL OR severity_order IS NULL OR coalesce(reason, " +
		"'') = ''")
	if got, want := db.rows("SELECT DISTINCT issue FROM needs_attention ORDER BY 1"), []string{
		"certificate_expiry", "certificate_not_renewable", "certificate_revoked",
		"key_material_expiry", "key_pending_deletion", "key_rotation_off", "key_rotation_overdue", "key_rotation_unknown",
		"key_unavailable", "key_unknown",
		"secret_pending_deletion", "secret_rotation_not_set_up", "secret_rotation_off", "secret_rotation_overdue",
	}; !slices.Equal(got, want) {
		t.Errorf("issues %q, want %q", got, want)
	}
}

// TestEveryIssueHasACase fails for an issue of views/attention that no case shows.
func TestEveryIssueHasACase(t *testing.T) {
	shown := map[string]bool{}
	for _, text := range filesOf(t, "testdata/needs_attention/*.txtar") {
		for _, section := range txtar.Parse([]byte(text)).Files {
			if section.Name == "want" {
				for _, word := range strings.Fields(string(section.Data)) {
					shown[word] = true
				}
			}
		}
	}
	// An issue is the first text of a line of VALUES, or named by AS issue.
	issue := regexp.MustCompile(`(?m)^ +\('([a-z_]+)'|'([a-z_]+)'(?: ELSE '([a-z_]+)' END)? AS issue`)
	for name, text := range filesOf(t, "views/attention/*.sql") {
		found := issue.FindAllStringSubmatch(text, -1)
		if len(found) == 0 {
			t.Errorf("%s has no issue", name)
		}
		for _, match := range found {
			for _, code := range match[1:] {
				if code != "" && !shown[code] {
					t.Errorf("no case in testdata/needs_attention shows the issue %s of %s", code, name)
				}
			}
		}
	}
}

func filesOf(t *testing.T, pattern string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files, error %v", pattern, len(names), err)
	}
	files := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return files
}
