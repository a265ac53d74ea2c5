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
			if name == "AccessKeyId" {
				continue
			}
			switch value := member.(type) {
			case string:
				object[name] = redact(name, value)
			case []any:
				for i := range value {
					if text, isText := value[i].(string); isText {
						value[i] = redact(name, text)
					}
				}
			}
		}
	})
}

// freeText returns what people wrote, redacted if there is a secret in it, or nil if it
// is empty.
func freeText(s *string) *string {
	if s = text(s); s != nil && holdsSecret(*s) {
		return new(redacted)
	}
	return s
}

// redact returns value, or that it was redacted, if there is a secret in it or its
// key says that it is one.
func redact(key, value string) string {
	if holdsSecret(value) || namesSecret(key, value) {
		return redacted
	}
	return value
}

var (
	// words is where a word of a key ends and the next one begins without a
	// separator: dbPassword, APIKey.
	words = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])`)
	// secretWord matches a key in words that names a secret, and lastSecretWord one that
	// says no more about it.
	secretWord     = regexp.MustCompile(secretWords + `s?([^a-z0-9]|$)`)
	lastSecretWord = regexp.MustCompile(secretWords + `s?$`)

	// harmless matches values that are no secret whatever the key says: none, a switch, as of
	// SecretRotation, and the name of a resource, as of the secret itself.
	harmless = regexp.MustCompile(`^(?i:|true|false|yes|no|on|off|enabled|disabled|none|arn:[a-z-]+:[a-z0-9-]+:.*)$`)
	// measure matches a number of up to nine digits, a duration, a day or a time: they are
	// about a secret, as of TokenExpiryDays and SecretLastRotated. The number of a key that
	// ends with the word, such as password, may be the secret itself.
	measure = regexp.MustCompile(`^(?:` + strings.Join([]string{
		`-?\d{1,9}(?:\.\d{1,3})?%?`,
		`(?i:(?:rate\()?(?:\d{1,6} ?(?:ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|weeks?|months?|years?) ?)+\)?)`,
		`P(?:\d{1,6}[YMWD])*(?:T(?:\d{1,6}[HMS])+)?`,
		`\d{4}[-/.]\d{2}[-/.]\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?)?`,
		`\d{1,2}[-/.]\d{1,2}[-/.]\d{4}`,
	}, "|") + `)$`)
)

const secretWords = `(^|[^a-z0-9])(\w*passw(or)?d|pwd|secret|token|credential|(api|private)[^a-z0-9]?key)`

// namesSecret reports whether a key says that its value is a secret.
func namesSecret(key, value string) bool {
	if !secretLetters(key) || harmless.MatchString(value) {
		return false
	}
	key = strings.ToLower(words.ReplaceAllString(key, "$1$3-$2$4"))
	return secretWord.MatchString(key) && (lastSecretWord.MatchString(key) || !measure.MatchString(value))
}

// secretLetters reports whether a key has three letters of a word of secretWords, in either
// case. Most keys have not, and this is found out in no time.
func secretLetters(key string) bool {
	for i := 0; i+3 <= len(key); i++ {
		switch [3]byte{key[i] | 0x20, key[i+1] | 0x20, key[i+2] | 0x20} {
		case [3]byte{'p', 'a', 's'}, [3]byte{'p', 'w', 'd'}, [3]byte{'s', 'e', 'c'}, [3]byte{'t', 'o', 'k'},
			[3]byte{'c', 'r', 'e'}, [3]byte{'k', 'e', 'y'}:
			return true
		}
	}
	return false
}
