package sql_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// in returns the time in so many days; an hour keeps it away from the boundary.
func in(days int) string {
	return time.Now().Add(time.Duration(days)*24*time.Hour + time.Hour).UTC().Format(time.RFC3339)
}

func (db *database) certificate(name string, values ...string) {
	db.Helper()
	db.insert("certificates", append([]string{
		"certificate_arn", "arn:" + name, "domain_name", name, "status", "ISSUED", "in_use", "true", "renewal_eligibility", "ELIGIBLE",
	}, values...)...)
}

// key adds an ordinary key, whose rotation is on.
func (db *database) key(name string, values ...string) {
	db.Helper()
	db.insert("kms_keys", append([]string{
		"key_arn", "arn:" + name, "key_id", "id", "aliases", `["` + name + `", "alias/other"]`, "key_manager", "CUSTOMER",
		"key_state", "Enabled", "key_spec", "SYMMETRIC_DEFAULT", "origin", "AWS_KMS", "rotation_enabled", "true", "next_rotation_at", in(100),
	}, values...)...)
}

func (db *database) secret(name string, values ...string) {
	db.Helper()
	db.insert("secrets", append([]string{
		"secret_arn", "arn:" + name, "name", name, "rotation_enabled", "true", "next_rotation_at", in(10),
	}, values...)...)
}

const attention = "SELECT resource_name, severity, severity_order, issue, days_left FROM needs_attention ORDER BY 1, 4"

func TestCertificatesNeedAttention(t *testing.T) {
	db := newDatabase(t)
	db.certificate("a far", "not_after", in(45))
	db.certificate("b in 44", "not_after", in(44))
	db.certificate("c in 29", "not_after", in(29))
	db.certificate("d in 6", "not_after", in(6))
	db.certificate("e expired", "not_after", in(-400), "status", "EXPIRED")
	db.certificate("f expired unnoticed", "not_after", in(-2))
	db.certificate("g unused", "not_after", in(-2), "in_use", "false")
	db.certificate("h use unknown", "not_after", in(6), "in_use", "NULL")
	db.certificate("i by hand", "not_after", in(300), "renewal_eligibility", "INELIGIBLE")
	db.certificate("j by hand, unused", "not_after", in(300), "renewal_eligibility", "INELIGIBLE", "in_use", "false")
	db.certificate("k revoked", "not_after", in(6), "status", "REVOKED", "revoked_at", in(-2))
	db.certificate("l failed", "not_after", in(6), "status", "FAILED")
	db.certificate("m gone", "not_after", in(6), "deleted_at", in(-1))
	db.certificate("n pending", "status", "PENDING_VALIDATION")
	db.refresh()
	db.want(attention,
		"b in 44 MEDIUM 3 certificate_expiry 44",
		"c in 29 HIGH 2 certificate_expiry 29",
		"d in 6 CRITICAL 1 certificate_expiry 6",
		"e expired CRITICAL 1 certificate_expiry -400", // the predecessor took the days out of 1 year, 1 month and 4 days
		"f expired unnoticed CRITICAL 1 certificate_expiry -2",
		"g unused LOW 4 certificate_expiry -2",
		"h use unknown CRITICAL 1 certificate_expiry 6",
		"i by hand LOW 4 certificate_not_renewable 300",
		"k revoked CRITICAL 1 certificate_revoked -2")
	db.want("SELECT account_id, region, kind, resource_arn, in_use FROM needs_attention WHERE resource_name = 'g unused'",
		accountA+" eu-central-1 certificate arn:g unused false")
}

func TestKeysNeedAttention(t *testing.T) {
	db := newDatabase(t)
	db.key("a fine")
	db.key("b pending", "key_state", "PendingDeletion", "deletion_at", in(7), "rotation_enabled", "NULL")
	db.key("c pending soon", "key_state", "PendingDeletion", "deletion_at", in(6), "rotation_enabled", "NULL")
	db.key("d replica pending", "key_state", "PendingReplicaDeletion", "rotation_enabled", "NULL")
	db.key("e material", "origin", "EXTERNAL", "material_expires_at", in(30), "rotation_enabled", "NULL")
	db.key("f material far", "origin", "EXTERNAL", "material_expires_at", in(50), "rotation_enabled", "NULL")
	db.key("g off", "rotation_enabled", "false")
	db.key("h overdue", "next_rotation_at", in(-3))
	db.key("i due now", "next_rotation_at", in(-1))
	db.key("j unavailable", "key_state", "Unavailable", "origin", "EXTERNAL_KEY_STORE", "rotation_enabled", "NULL")
	db.key("k aws", "key_manager", "AWS", "rotation_enabled", "NULL")
	db.key("l asymmetric", "key_spec", "RSA_2048", "rotation_enabled", "NULL")
	db.key("m disabled", "key_state", "Disabled", "rotation_enabled", "false")
	db.key("n imported", "origin", "EXTERNAL", "rotation_enabled", "false")
	db.key("o gone", "rotation_enabled", "false", "deleted_at", in(-1))
	db.refresh()
	db.want(attention,
		"b pending HIGH 2 key_pending_deletion 7",
		"c pending soon CRITICAL 1 key_pending_deletion 6",
		"d replica pending HIGH 2 key_pending_deletion <nil>",
		"e material HIGH 2 key_material_expiry 30",
		"g off MEDIUM 3 key_rotation_off <nil>",
		"h overdue MEDIUM 3 key_rotation_overdue -3",
		"j unavailable HIGH 2 key_unavailable <nil>")
}

// TestUnknownIsNotFine: where the predecessor was denied the answer it recorded
// that the key was rotated.
func TestUnknownIsNotFine(t *testing.T) {
	db := newDatabase(t)
	db.key("a denied", "rotation_enabled", "NULL", "denied_actions", `["kms:GetKeyRotationStatus"]`)
	db.key("b no answer", "rotation_enabled", "NULL")
	db.key("c all denied", "rotation_enabled", "NULL", "key_state", "NULL", "key_spec", "NULL", "origin", "NULL", "key_manager", "NULL",
		"denied_actions", `["kms:DescribeKey", "kms:GetKeyRotationStatus"]`)
	db.key("d odd", "denied_actions", `{"kms:GetKeyRotationStatus": 1}`)
	db.key("e no alias", "aliases", "NULL", "key_state", "NULL")
	db.refresh()
	db.want(attention,
		"a denied LOW 4 key_rotation_unknown <nil>",
		"b no answer LOW 4 key_rotation_unknown <nil>",
		"c all denied LOW 4 key_rotation_unknown <nil>",
		"c all denied LOW 4 key_unknown <nil>",
		"id LOW 4 key_unknown <nil>")
}

func TestSecretsNeedAttention(t *testing.T) {
	db := newDatabase(t)
	db.secret("a fine")
	db.secret("b deleted", "deletion_requested_at", in(-2), "rotation_enabled", "false")
	db.secret("c off", "rotation_enabled", "false")
	db.secret("d never", "rotation_enabled", "NULL", "next_rotation_at", "NULL")
	db.secret("e overdue", "next_rotation_at", in(-3))
	db.secret("f due now", "next_rotation_at", in(-1))
	db.secret("g of a service", "rotation_enabled", "NULL", "owning_service", "appflow")
	db.secret("h of a service, off", "rotation_enabled", "false", "owning_service", "rds")
	db.secret("i replica", "rotation_enabled", "NULL", "primary_region", "us-east-1")
	db.secret("j primary", "rotation_enabled", "NULL", "primary_region", "eu-central-1")
	db.secret("k partner's", "rotation_enabled", "NULL", "external_type", "Salesforce")
	db.secret("l gone", "rotation_enabled", "false", "deleted_at", in(-1))
	db.refresh()
	db.want(attention,
		"b deleted HIGH 2 secret_pending_deletion 5",
		"c off MEDIUM 3 secret_rotation_off <nil>",
		"d never LOW 4 secret_rotation_not_set_up <nil>",
		"e overdue HIGH 2 secret_rotation_overdue -3",
		"h of a service, off MEDIUM 3 secret_rotation_off <nil>",
		"j primary LOW 4 secret_rotation_not_set_up <nil>")
}

// TestTimePassesWithoutARefresh: nothing that depends on the present is
// materialized.
func TestTimePassesWithoutARefresh(t *testing.T) {
	db := newDatabase(t)
	// Nobody knows how long a refresh takes: of certificates that become due one after
	// the other some are due at the first look, and the next one becomes so.
	soon := time.Now().Add(45 * 24 * time.Hour)
	for i := range 600 {
		db.certificate(fmt.Sprintf("%03d", i), "not_after", soon.Add(time.Duration(i)*time.Second).UTC().Format(time.RFC3339Nano))
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

// TestEveryIssueIsJudged fails for an issue in attention_facts without a severity
// or a reason, of which a row would be useless.
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
	db.want("SELECT issue FROM needs_attention WHERE severity IS NULL OR severity_order IS NULL OR coalesce(reason, '') = ''")
	if got, want := db.rows("SELECT DISTINCT issue FROM needs_attention ORDER BY 1"), []string{
		"certificate_expiry", "certificate_not_renewable", "certificate_revoked",
		"key_material_expiry", "key_pending_deletion", "key_rotation_off", "key_rotation_overdue", "key_rotation_unknown",
		"key_unavailable", "key_unknown",
		"secret_pending_deletion", "secret_rotation_not_set_up", "secret_rotation_off", "secret_rotation_overdue",
	}; !slices.Equal(got, want) {
		t.Errorf("issues %q, want %q", got, want)
	}
}
