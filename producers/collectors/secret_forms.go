package collectors

import "regexp"

// secretForm is how a kind of secret looks that can be told from other texts: its issuer
// gave it a beginning that nothing else has.
type secretForm struct {
	// prefix is text that each secret of the form has. In every value it is looked for,
	// and only behind it the rest.
	prefix string
	// rest matches what is behind the prefix.
	rest string
	// inWord is set where the prefix may stand behind a letter, digit or underscore.
	inWord bool
}

// secretForms are the forms that are redacted wherever they are in a value. A form must be
// so narrow that no name, ARN or sentence has it: what it takes, nobody can read any more.
var secretForms = []secretForm{
	// AWS, ids of access keys: their secret is seldom far.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
	{prefix: "AKIA", rest: `[A-Z2-7]{16}\b`},
	{prefix: "ASIA", rest: `[A-Z2-7]{16}\b`},
	// A presigned URL of AWS is permission for who has it.
	{prefix: "X-Amz-Signature=", rest: `[0-9a-f]{64}`},
	// PEM (RFC 7468) and OpenPGP.
	{prefix: "-----BEGIN ", rest: `[A-Z ]{0,20}PRIVATE KEY`, inWord: true},
	// JSON web token (RFC 7519): two objects of JSON in base64.
	{prefix: "eyJ", rest: `[\w-]{8,}\.eyJ[\w-]{8}`},
	// Password in a URL (RFC 3986), behind the scheme.
	{prefix: "://", rest: `[^/\s:@]{0,256}:[^/\s@]{1,256}@`, inWord: true},
	// Connection strings (ADO.NET, ODBC, JDBC, libpq).
	{prefix: "Password=", rest: connectionPassword},
	{prefix: "password=", rest: connectionPassword},
	{prefix: "PASSWORD=", rest: connectionPassword},
	{prefix: "Pwd=", rest: connectionPassword},
	{prefix: "pwd=", rest: connectionPassword},
	{prefix: "PWD=", rest: connectionPassword},
	// Azure. https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
	{prefix: "AccountKey=", rest: `[A-Za-z0-9+/]{40}`},
	{prefix: "SharedAccessKey=", rest: `[A-Za-z0-9+/]{40}`},
	{prefix: "sig=", rest: `[A-Za-z0-9%+/]{43}`},
	// GitHub. https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
	{prefix: "ghp_", rest: `[A-Za-z0-9]{36}`},
	{prefix: "gho_", rest: `[A-Za-z0-9]{36}`},
	{prefix: "ghu_", rest: `[A-Za-z0-9]{36}`},
	{prefix: "ghs_", rest: `[A-Za-z0-9]{36}`},
	{prefix: "ghr_", rest: `[A-Za-z0-9]{36}`},
	{prefix: "github_pat_", rest: `\w{22}`},
	// GitLab. https://docs.gitlab.com/security/tokens/#token-prefixes
	{prefix: "glpat-", rest: `[\w-]{20}`},
	{prefix: "gloas-", rest: `[\w-]{20}`},
	{prefix: "gldt-", rest: `[\w-]{20}`},
	{prefix: "glrt-", rest: `[\w-]{20}`},
	{prefix: "glptt-", rest: `[\w-]{20}`},
	{prefix: "glcbt-", rest: `[\w-]{20}`},
	// Slack. https://docs.slack.dev/authentication/tokens
	{prefix: "xox", rest: `[a-z]-[A-Za-z0-9-]{10}`},
	{prefix: "xapp-", rest: `\d-[A-Z0-9]{8}`},
	{prefix: "hooks.slack.com/services/", rest: `T\w{4,20}/B\w{4,20}/\w{16}`},
	// Stripe. https://docs.stripe.com/keys
	{prefix: "sk_live_", rest: `[A-Za-z0-9]{16}`},
	{prefix: "rk_live_", rest: `[A-Za-z0-9]{16}`},
	{prefix: "sk_test_", rest: `[A-Za-z0-9]{16}`},
	{prefix: "rk_test_", rest: `[A-Za-z0-9]{16}`},
	{prefix: "whsec_", rest: `[A-Za-z0-9+/]{24}`},
	// Google: keys of APIs, secrets of OAuth clients, access tokens.
	// https://cloud.google.com/docs/authentication/api-keys
	{prefix: "AIza", rest: `[\w-]{35}`},
	{prefix: "GOCSPX-", rest: `[\w-]{28}`},
	{prefix: "ya29.", rest: `[\w-]{30}`},
	// SendGrid. https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys
	{prefix: "SG.", rest: `[\w-]{22}\.[\w-]{43}`},
	// npm. https://github.blog/2021-09-23-announcing-npms-new-access-token-format/
	{prefix: "npm_", rest: `[A-Za-z0-9]{36}`},
	// PyPI; behind the prefix is a macaroon in base64. https://pypi.org/help/#apitoken
	{prefix: "pypi-AgE", rest: `[\w-]{40}`},
	// OpenAI. https://platform.openai.com/docs/api-reference/authentication
	{prefix: "sk-proj-", rest: `[\w-]{20}`},
	{prefix: "sk-svcacct-", rest: `[\w-]{20}`},
	// Anthropic. https://docs.anthropic.com/en/api/overview
	{prefix: "sk-ant-", rest: `[a-z]{2,10}\d\d-[\w-]{20}`},
	// Hugging Face. https://huggingface.co/docs/hub/security-tokens
	{prefix: "hf_", rest: `[A-Za-z0-9]{34}`},
	// HashiCorp: Vault and Terraform.
	// https://developer.hashicorp.com/vault/docs/concepts/tokens#token-prefixes
	{prefix: "hvs.", rest: `[\w-]{24}`},
	{prefix: "hvb.", rest: `[\w-]{24}`},
	{prefix: "hvr.", rest: `[\w-]{24}`},
	{prefix: ".atlasv1.", rest: `[\w-]{60}`, inWord: true},
	// DigitalOcean. https://docs.digitalocean.com/reference/api/create-personal-access-token/
	{prefix: "dop_v1_", rest: `[0-9a-f]{64}`},
	{prefix: "doo_v1_", rest: `[0-9a-f]{64}`},
	{prefix: "dor_v1_", rest: `[0-9a-f]{64}`},
	// Atlassian.
	// https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/
	{prefix: "ATATT3", rest: `[\w=-]{40}`},
	// Docker. https://docs.docker.com/security/access-tokens/
	{prefix: "dckr_pat_", rest: `[\w-]{20}`},
	// Databricks. https://docs.databricks.com/dev-tools/auth/pat
	{prefix: "dapi", rest: `[0-9a-f]{32}`},
	// Grafana. https://grafana.com/docs/grafana/latest/administration/service-accounts/
	{prefix: "glsa_", rest: `[A-Za-z0-9]{32}_[0-9a-f]{8}`},
	// Shopify. https://shopify.dev/docs/apps/build/authentication-authorization
	{prefix: "shpat_", rest: `[0-9a-fA-F]{32}`},
	{prefix: "shpss_", rest: `[0-9a-fA-F]{32}`},
}

// connectionPassword is a value behind Password= or Pwd= that the end, a semicolon or the
// next pair follows. One in brackets stands for another, as in <password> and ${PASSWORD},
// and one with a slash first is a directory.
const connectionPassword = `[^/;<>{}$*%\s][^;<>{}$*%\s]{0,127}(?:;|\s*\z|\s+[A-Za-z_]+=)`

// longestForm is how many bytes behind a prefix are looked at.
const longestForm = 1024

// compiledForm is a secretForm, ready for use.
type compiledForm struct {
	prefix string
	rest   *regexp.Regexp
	inWord bool
}

// formsByFirst are the forms by the first byte of their prefix.
var formsByFirst = func() (table [256][]compiledForm) {
	for _, f := range secretForms {
		first := f.prefix[0]
		table[first] = append(table[first], compiledForm{f.prefix, regexp.MustCompile(`\A(?:` + f.rest + `)`), f.inWord})
	}
	return table
}()

// holdsSecret reports whether anything in a value has the form of a secret. It passes over
// the value once and looks at most bytes only for whether a prefix begins there: this is done
// to every tag, description and product field, and most have no secret.
func holdsSecret(value string) bool {
	for at := range len(value) {
		forms := formsByFirst[value[at]]
		for i := range forms {
			f := &forms[i]
			if len(value)-at < len(f.prefix) || value[at:at+len(f.prefix)] != f.prefix {
				continue
			}
			if !f.inWord && at > 0 && isWord(value[at-1]) {
				continue
			}
			rest := value[at+len(f.prefix):]
			if f.rest.MatchString(rest[:min(len(rest), longestForm)]) {
				return true
			}
		}
	}
	return false
}

func isWord(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
}
