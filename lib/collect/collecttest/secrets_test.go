package collecttest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// TaggedStream is a Kinesis stream and its tags.
type TaggedStream struct {
	// Name of the stream.
	Name string `col:"name,key"`
	// Tags as an object.
	Tags schema.JSON `col:"tags"`
}

var taggedStreams = schema.Of[TaggedStream](schema.Spec{Name: "tagged_streams", Mode: schema.Snapshot})

// tagsOf returns a collector of tags that passes values through value.
func tagsOf(value func(key, value string) string) collect.Collector[TaggedStream] {
	return collect.Collector[TaggedStream]{
		Category: taggedStreams, Reach: collect.PerRegion, Every: time.Hour, Calls: []string{"kinesis:ListTagsForStream"},
		Collect: func(ctx context.Context, env *collect.Env, emit func(TaggedStream) error) error {
			client, input := kinesis.NewFromConfig(env.AWS), &kinesis.ListTagsForStreamInput{StreamName: aws.String("orders")}
			answer, err := client.ListTagsForStream(ctx, input)
			if err != nil {
				return err
			}
			if answer.Tags == nil {
				return context.Canceled
			}
			tags := map[string]string{}
			for _, tag := range answer.Tags {
				tags[*tag.Key] = value(*tag.Key, aws.ToString(tag.Value))
			}
			text, _ := json.Marshal(tags)
			return emit(TaggedStream{Name: "orders", Tags: text})
		},
	}
}

func TestSecretsInRowsAreFound(t *testing.T) {
	const story = "-- ListTagsForStream --\n{\"StreamName\": \"orders\"}\n\n200\n" +
		`{"HasMoreTags": false, "Tags": [{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": "b"}]}` + "\n"
	as := func(_, value string) string { return value }
	redact := func(key, value string) string {
		if key == secretKey {
			return "[redacted]"
		}
		return value
	}
	for name, test := range map[string]struct {
		value func(key, value string) string
		kept  string
		want  string
	}{
		"as it is":    {as, "", "the answer's Tags may hold a secret, and is in column tags"},
		"redacted":    {redact, "", ""},
		"kept":        {as, `{"Tags": "the test says so"}`, ""},
		"no reason":   {as, `{"Tags": ""}`, "Tags has no reason"},
		"not used":    {redact, `{"Labels": "none"}`, "kept.json names Labels, which no recording has"},
		"no document": {redact, `[]`, "kept.json: json"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{
				"tagged_streams/a.txtar":     story,
				"tagged_streams/want.ndjson": `{"name":"orders","tags":{"stage":"b","team":"a"}}` + "\n",
			}
			if test.kept != "" {
				files["tagged_streams/kept.json"] = test.kept
			}
			write(t, files)
			if got := report(t, tagsOf(test.value)); test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("the suite reports\n%s\nwant %q", got, test.want)
			}
		})
	}
}

func TestPlant(t *testing.T) {
	for _, test := range []struct{ answer, want string }{
		{`{"Password":"a","Arn":"arn:x","AccessToken":"arn:x"}`, `{"AccessToken":"arn:x","Arn":"arn:x","Password":"PLANT"}`},
		{`{"Description":"a","ProductDescription":"b","Subject":""}`,
			`{"Description":"see https://user:PLANT@example.com","ProductDescription":"b","Subject":""}`},
		{`{"NextToken":"page2"}`, `{"NextToken":"page2"}`}, // sent again
		{`{"HttpTokens":"required"}`, `{"HttpTokens":"required"}`},
		{`{"SecretList":[{"Name":"a","SecretDate":"2026-01-01T00:00:00Z","n":1.50}]}`,
			`{"SecretList":[{"Name":"a","SecretDate":"2026-01-01T00:00:00Z","n":1.50}]}`},
		{`{"Environment":{"Variables":{"A":"b","C":["d"]}}}`, `{"Environment":{"Variables":{"A":"PLANT","C":["PLANT"]}}}`},
		{`{"Tags":{"team":"a"},"X":{"TagKey":"a","TagValue":"b"}}`,
			`{"Tags":{"password":"PLANT"},"X":{"TagKey":"password","TagValue":"PLANT"}}`},
		{`<R><tagSet><item><key>Name</key> <value>a</value></item></tagSet></R>`,
			`<R><tagSet><item><key>password</key> <value>PLANT</value></item></tagSet></R>`},
		{`<R><userData>a</userData><name>b</name><httpTokens>c</httpTokens></R>`,
			`<R><userData>PLANT</userData><name>b</name><httpTokens>c</httpTokens></R>`},
		{`none`, `none`},
	} {
		p := &planter{kept: map[string]string{"HttpTokens": "a switch", "httpTokens": "a switch"}, known: map[string]bool{}}
		p.note(map[string]any{"NextToken": "page2"})
		got := planted.ReplaceAllString(string(p.plant([]byte(test.answer))), "PLANT")
		if got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.answer, got, test.want)
		}
	}
}
