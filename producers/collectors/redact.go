package collectors

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hubspoke/observability/lib/schema"
)

// redacted replaces a value that is, or may be, a secret. Tags are no place for
// secrets, but people put them there, and here everybody who reads the hub would
// see them.
const redacted = "[redacted]"

// tagMap returns tags as an object, without secrets. Each service has a type of its own for a
// tag: a struct with Key and Value, or TagKey and TagValue. jsonOf of the object is null where
// there are no tags, jsonObject is {}.
func tagMap[T any](tags []T) map[string]string {
	object := make(map[string]string, len(tags))
	for _, tag := range tags {
		value := reflect.ValueOf(tag)
		key := tagText(value, "Key", "TagKey")
		object[key] = redact(key, tagText(value, "Value", "TagValue"))
	}
	return object
}

// tagText returns the text of the first of two fields that a tag has; one that is missing is
// a mistake in the code.
func tagText(tag reflect.Value, names ...string) string {
	for _, name := range names {
		if field := tag.FieldByName(name); field.IsValid() {
			return aws.ToString(field.Interface().(*string))
		}
	}
	panic(fmt.Sprintf("collectors: %s has none of the fields %q", tag.Type(), names))
}

// nameTag returns the value of the tag Name, which people take for the name of what has it.
func nameTag(tags map[string]string) *string {
	name, ok := tags["Name"]
	if !ok {
		return nil
	}
	return &name
}

// redactMap returns a copy of object without secrets.
func redactMap(object map[string]string) map[string]string {
	out := make(map[string]string, len(object))
	for key, value := range object {
		out[key] = redact(key, value)
	}
	return out
}

// redactJSON returns an SDK value as JSON, without secrets wherever they are in it: the
// values of tags and other pairs, and texts of members. Identifiers of access keys stay,
// for they say who did something, and are no secret.
func redactJSON[T any](v T) schema.JSON {
	return editJSON(jsonOf(v), func(object map[string]any) {
		if key, value := object["Key"], object["Value"]; len(object) == 2 {
			key, isText := key.(string)
			if value, ok := value.(string); ok && isText {
				object["Value"] = redact(key, value)
				return
			}
		}
		for name, member := range object {
			if value, isText := member.(string); isText && name != "AccessKeyId" {
				object[name] = redact(name, value)
			}
		}
	})
}

// redact returns value, or that it was redacted, if it looks like a secret or its
// key says that it is one.
func redact(key, value string) string {
	if looksSecret.MatchString(value) || namesSecret(key) && !harmless.MatchString(value) {
		return redacted
	}
	return value
}

// looksSecret matches what is a secret by its form, anywhere in a value.
var looksSecret = regexp.MustCompile(strings.Join([]string{
	`\b(AKIA|ASIA)[A-Z2-7]{16}\b`,                     // id of an AWS access key: its secret is seldom far
	`-----BEGIN [A-Z ]*PRIVATE KEY`,                   // PEM
	`\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.`,                  // JSON web token
	`\b(gh[opusr]_[A-Za-z0-9]{36}|github_pat_\w{22})`, // GitHub
	`\bxox[a-z]-[A-Za-z0-9-]{10}`,                     // Slack
	`\b[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@`, // URL with a password
}, "|"))

// harmless matches values that are no secret whatever the key says: none, a switch,
// as of SecretRotation, and the name of a resource, as of the secret itself.
var harmless = regexp.MustCompile(`^(?i:|true|false|yes|no|on|off|enabled|disabled|none|arn:[a-z-]+:[a-z0-9-]+:.*)$`)

var (
	// words is where a word of a key ends and the next one begins without a
	// separator: dbPassword, APIKey.
	words = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])`)
	// secretWord matches a key in words that names a secret.
	secretWord = regexp.MustCompile(
		`(^|[^a-z0-9])(\w*passw(or)?d|pwd|secret|token|credential|(api|private)[^a-z0-9]?key)s?([^a-z0-9]|$)`)
)

// namesSecret reports whether a key has a word for a secret.
func namesSecret(key string) bool {
	return secretWord.MatchString(strings.ToLower(words.ReplaceAllString(key, "$1$3-$2$4")))
}
