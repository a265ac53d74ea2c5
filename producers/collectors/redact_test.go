package collectors

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	hubtypes "github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/hubspoke/observability/schemas"
)

func TestRedact(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
	for _, test := range []struct {
		key, value string
		secret     bool
	}{
		// The key says it, as a word of its own.
		{"password", "hunter2", true},
		{"Password", "hunter2", true},
		{"DB_PASSWORD", "hunter2", true},
		{"dbPassword", "hunter2", true},
		{"dbpassword", "hunter2", true},
		{"rootPasswd", "hunter2", true},
		{"app:pwd", "hunter2", true},
		{"client-secret", "s", true},
		{"Secrets", "a b", true},
		{"SecretAccessKey", "wJalrXUtnFEMI", true},
		{"AccessToken", "abc", true},
		{"Resources:0/token", "abc", true},
		{"ApiKey", "abc", true},
		{"APIKey", "abc", true},
		{"myAPIKey", "abc", true},
		{"api_key", "abc", true},
		{"api key", "abc", true},
		{"apikeys", "abc", true},
		{"private.key", "abc", true},
		{"Credentials", "abc", true},

		// A word that only begins or ends like one.
		{"secretary", "Ms. Doe", false},
		{"Tokenizer", "bpe", false},
		{"aws:secretsmanager:owningService", "rds", false},
		{"mypwdless", "x", false},
		{"mypwd", "x", false},
		{"key", "abc", false},
		{"KeyName", "ops", false},
		{"capitalKeys", "abc", false},

		// What no secret looks like.
		{"SecretRotation", "true", false},
		{"token-required", "No", false},
		{"PasswordPolicy", "Enabled", false},
		{"password", "", false},
		{"TokenExpiryDays", "30", false},
		{"PasswordLength", "123456789", false},
		{"PasswordLength", "1234567890", true},
		{"password", "1234", true},
		{"api-tokens", "2026-10-01", true},
		{"SecretDays", "30 days and hunter2", true},
		{"SecretLastRotated", "2026-10-01", false},
		{"SecretLastRotated", "2026-10-01T00:00:00Z", false},
		{"SecretLastRotated", "2026-10-01 hunter2", true},
		{"PasswordAge", "90 days", false},
		{"PasswordAge", "P90D", false},
		{"SecretArn", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-a1b2c3", false},
		{"SecretArn", "arn:aws-cn:iam::111122223333:role/x", false},
		{"secret", "arn:not an arn", true},
		{"secret", "arn:aws:s3:::bucket\nhunter2", true},
		{"secret", "true story", true},

		// The value says it, whatever the key.
		{"Owner", "AKIAIOSFODNN7EXAMPLE", true},
		{"Owner", "key ASIAIOSFODNN7EXAMPLE.", true},
		{"Owner", "AKIAIOSFODNN7EXAMPLEX", false},
		{"Owner", "XAKIAIOSFODNN7EXAMPLE", false},
		{"note", "-----BEGIN RSA PRIVATE KEY-----\nMIIE", true},
		{"note", "-----BEGIN PRIVATE KEY-----", true},
		{"note", "-----BEGIN CERTIFICATE-----", false},
		{"note", "-----BEGIN PRIVATE PARTY-----", false},
		{"note", jwt, true},
		{"note", "Bearer " + jwt, true},
		{"note", "eyJhbGciOiJIUzI1NiJ9", false},
		{"note", "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345", true},
		{"note", "ghs_" + "0123456789abcdefghijABCDEFGHIJ012345", true},
		{"note", "github_pat_" + "11ABCDEFG0123456789abc_xyz", true},
		{"note", "ghp_short", false},
		{"note", "xoxb-" + "123456789012-abcdefghij", true},
		{"note", "xoxo-kisses", false},
		{"url", "postgres://app:hunter2@db.internal:5432/app", true},
		{"url", "redis://:hunter2@cache", true},
		{"url", "https://app@example.com:8443/path", false},
		{"url", "https://example.com:8443/a@b", false},
		{"mail", "ops@example.com", false},
	} {
		want := test.value
		if test.secret {
			want = "[redacted]"
		}
		if got := redact(test.key, test.value); got != want {
			t.Errorf("%s=%q: got %q, want %q", test.key, test.value, got, want)
		}
	}
}

// TestTagsOfEveryCategoryAreRedacted: a secret in a tag leaves no account.
func TestTagsOfEveryCategoryAreRedacted(t *testing.T) {
	const tags, want = `{"Tags":[{"TagKey":"DbPassword","TagValue":"hunter2"}]}`, `{"DbPassword":"[redacted]"}`
	key, value := aws.String("DbPassword"), aws.String("hunter2")

	instance := ec2Instance(&ec2types.Reservation{}, &ec2types.Instance{Tags: []ec2types.Tag{
		{Key: key, Value: value}, {Key: aws.String("Name"), Value: aws.String("postgres://a:b@c")},
	}})
	if got := string(instance.Tags); len(got) != len(`{"DbPassword":"[redacted]","Name":"[redacted]"}`) ||
		*instance.Name != "[redacted]" {
		t.Errorf("ec2_instances: tags %s, name %s", got, *instance.Name)
	}
	if row := secret(&secretstypes.SecretListEntry{Tags: []secretstypes.Tag{{Key: key,
		Value: value}}}); string(row.Tags) != want {
		t.Errorf("secrets: tags %s", row.Tags)
	}
	env := (&answer{}).env("eu-west-1")
	env.AWS.HTTPClient = kmsAnswers{"ListResourceTags": tags}
	err := collectKMSKeys(t.Context(), env, func(row schemas.KMSKey) error {
		if string(row.Tags) != want {
			t.Errorf("kms_keys: tags %s", row.Tags)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	fields := map[string]string{"DbPassword": "hunter2"}
	finding := securityFinding(env, &hubtypes.AwsSecurityFinding{ProductFields: fields,
		Resources: []hubtypes.Resource{{Id: aws.String("i"), Tags: fields}}})
	if string(finding.ProductFields) != want || string(finding.Resources) != `[{"Id":"i","Tags":`+want+`}]` {
		t.Errorf("security_findings: product_fields %s, resources %s", finding.ProductFields, finding.Resources)
	}
	if fields["DbPassword"] != "hunter2" {
		t.Error("the answer of AWS was changed")
	}
}

func TestRedactJSON(t *testing.T) {
	type tag struct{ Key, Value *string }
	got := redactJSON(struct {
		AccessKeyId string
		Tags        []tag
		More        map[string]string
		Inner       struct{ Password, Url string }
		Size        int64
	}{
		AccessKeyId: "AKIAIOSFODNN7EXAMPLE",
		Tags:        []tag{{aws.String("team"), aws.String("red")}, {aws.String("db-password"), aws.String("hunter2")}},
		More:        map[string]string{"apiKey": "hunter2", "name": "orders"},
		Inner:       struct{ Password, Url string }{"hunter2", "https://me:hunter2@example.com"},
		Size:        9007199254740993,
	})
	want := `{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","Inner":{"Password":"[redacted]","Url":"[redacted]"},` +
		`"More":{"apiKey":"[redacted]","name":"orders"},"Size":9007199254740993,` +
		`"Tags":[{"Key":"team","Value":"red"},{"Key":"db-password","Value":"[redacted]"}]}`
	if string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if redactJSON[*tag](nil) != nil {
		t.Error("nothing is not null")
	}
}

// TestTagMap: tags of any service are read; a type without a key is a mistake in the code.
func TestTagMap(t *testing.T) {
	type usual struct{ Key, Value *string }
	type ofKMS struct{ TagKey, TagValue *string }
	a, b, secret := "a", "b", "db_password"
	if got := tagMap([]usual{{&a, &b}, {&secret, &b}, {&b, nil}}); !maps.Equal(got,
		map[string]string{"a": "b", "db_password": redacted, "b": ""}) {
		t.Errorf("got %v", got)
	}
	if got := tagMap([]ofKMS{{&a, &b}}); got["a"] != "b" {
		t.Errorf("got %v", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a tag without a value is taken")
		}
	}()
	tagMap([]struct{ Key *string }{{&a}})
}

// secretCorpus returns the values of testdata/secrets.tsv that must go, and those that must
// stay, as pairs of key and value.
func secretCorpus(t testing.TB) (leave, stay [][2]string) {
	t.Helper()
	file, err := os.ReadFile("testdata/secrets.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.ReplaceAll(string(file), "¦", "")) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case strings.HasPrefix(line, "#"):
		case len(fields) == 3 && fields[0] == "go":
			leave = append(leave, [2]string(fields[1:]))
		case len(fields) == 3 && fields[0] == "stay":
			stay = append(stay, [2]string(fields[1:]))
		default:
			t.Fatalf("secrets.tsv: %q is not a verdict, a key and a value", line)
		}
	}
	return leave, stay
}

// TestSecretCorpus: of values as vendors document them, the secret ones go and the others
// stay; and each form is in the corpus.
func TestSecretCorpus(t *testing.T) {
	leave, stay := secretCorpus(t)
	if len(leave) < 60 || len(stay) < 200 {
		t.Errorf("%d values go and %d stay", len(leave), len(stay))
	}
	for _, pair := range leave {
		if redact(pair[0], pair[1]) != redacted {
			t.Errorf("%s=%q is not redacted", pair[0], pair[1])
		}
	}
	for _, pair := range stay {
		if redact(pair[0], pair[1]) != pair[1] {
			t.Errorf("%s=%q is redacted", pair[0], pair[1])
		}
	}
}

// TestSecretsInLongValues: a secret is found wherever it is, and a value that is nothing but
// beginnings of secrets costs no more than its length.
func TestSecretsInLongValues(t *testing.T) {
	const token = "glpat" + "-0123456789abcdefghij"
	for _, padding := range []string{"-", " eyJ", "-eyJ", "://", "-----BEGIN ", "Password= ", "\xff"} {
		long := strings.Repeat(padding, 1<<14/len(padding))
		if holdsSecret(long) {
			t.Errorf("%q, again and again, is taken for a secret", padding)
		}
		if !holdsSecret(long + " " + token) {
			t.Errorf("a secret behind much of %q is not found", padding)
		}
	}
	for n := range len(token) {
		if holdsSecret(token[:n]) {
			t.Errorf("%q is taken for a secret", token[:n])
		}
	}
}

// TestFreeText: a description stays as it is unless a secret is in it.
func TestFreeText(t *testing.T) {
	empty, plain, secret := "", "the password is rotated", "see https://me:hunter2@example.com"
	if freeText(nil) != nil || freeText(&empty) != nil || freeText(&plain) != &plain {
		t.Error("a text without a secret does not stay as it is")
	}
	if got := freeText(&secret); *got != redacted {
		t.Errorf("got %q", *got)
	}
}

// BenchmarkRedact is about values without a secret, which nearly all are.
func BenchmarkRedact(b *testing.B) {
	_, stay := secretCorpus(b)
	run := func(name string, values [][2]string, key bool) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, pair := range values {
					if key {
						redact(pair[0], pair[1])
					} else {
						redact("", pair[1])
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(values)), "ns/value")
		})
	}
	run("values", stay, false)
	run("values and keys", stay, true)
}
