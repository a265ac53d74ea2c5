package collecttest

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/hubspoke/observability/lib/collect"
)

// streamSnapshots are answers with every member. The list would never end by its token.
var streamSnapshots = map[string]string{
	"Kinesis ListStreams": `{"HasMoreStreams":true,"NextToken":"__NextToken__","StreamNames":["__Member__","__Member__"]}`,
	"Kinesis DescribeStreamSummary": `{"StreamDescriptionSummary":{"OpenShardCount":1,"StreamARN":"__StreamARN__",` +
		`"StreamStatus":"CREATING"}}`,
}

const streamsLeftOut = `Members of AWS's answers that change no row. go test -update writes this file.
kinesis:DescribeStreamSummary
	StreamDescriptionSummary.StreamARN
kinesis:ListStreams
	HasMoreStreams
`

// reportSnapshots returns what the suite reports of a collector with these snapshots.
func reportSnapshots(t *testing.T, c collect.Collector[Stream], snapshots map[string]string) string {
	t.Helper()
	return report(t, c, Snapshots(func(serviceID, operation string) ([]byte, error) {
		if body, ok := snapshots[serviceID+" "+operation]; ok {
			return []byte(body), nil
		}
		return nil, nil
	}))
}

func TestSnapshots(t *testing.T) {
	noShards := map[string]string{
		"Kinesis DescribeStreamSummary": `{"StreamDescriptionSummary":{"StreamARN":"a","StreamStatus":"CREATING"}}`,
	}
	for name, test := range map[string]struct {
		snapshots  map[string]string // besides streamSnapshots; an empty one is none
		exceptions string
		leftOut    string // defaults to streamsLeftOut
		want       string
	}{
		"all":       {},
		"no column": {snapshots: noShards, want: "column shards is null though the answers have every"},
		"new member": {
			snapshots: map[string]string{"Kinesis DescribeStreamSummary": `{"StreamDescriptionSummary":{"OpenShardCount":1,` +
				`"StreamARN":"a","StreamStatus":"CREATING","WarmThroughput":{"MiBps":1}}}`},
			want: "+	StreamDescriptionSummary.WarmThroughput\n",
		},
		"member that is read now": {
			leftOut: strings.Replace(streamsLeftOut, "StreamARN", "StreamARN\n\tStreamDescriptionSummary.StreamStatus", 1),
			want:    "-	StreamDescriptionSummary.StreamStatus\n",
		},
		"without a member": {
			snapshots: map[string]string{"Kinesis ListStreams": `{"HasMoreStreams":true}`},
			want:      "with snapshots: no list",
		},
		"unused": {
			snapshots:  map[string]string{"Kinesis DescribeStreamSummary": ""},
			exceptions: `{"unused":{"ListStreams":"so"}}`,
			want:       "no snapshot is used",
		},
		"recorded": {
			snapshots: map[string]string{"Kinesis DescribeStreamSummary": ""}, leftOut: strings.Split(streamsLeftOut,
				"kinesis:D")[0] + "kinesis:ListStreams\n\tHasMoreStreams\n",
			exceptions: `{"values":{"ListStreams":{"StreamNames":["orders"]}}}`,
		},
		"without a recording": {
			snapshots: map[string]string{"Kinesis DescribeStreamSummary": ""},
			want:      "let values in testdata/streams/snapshots.json have what recordings ask for",
		},
		"not called": {
			exceptions: `{"values":{"ListStreams":{"StreamNames":[]}}}`,
			want:       "with snapshots, kinesis:DescribeStreamSummary is not called",
		},
		"null that is not": {exceptions: `{"null":{"status":"so"}}`, want: "column status is null (so), and it is filled"},
		"null and no column": {
			exceptions: `{"null":{"size":"so"}}`,
			want:       "column size is null (so), and it is filled or there is none",
		},
		"null as it says": {snapshots: noShards, exceptions: `{"null":{"shards":"so"}}`},
		"no reason":       {exceptions: `{"null":{"shards":""}}`, want: "snapshots.json: shards has no reason"},
		"no path": {
			exceptions: `{"values":{"ListStreams":{"StreamNames.Name":1}}}`,
			want:       "snapshots.json: ListStreams has no StreamNames.Name",
		},
		"no operation": {
			exceptions: `{"unused":{"ListShards":"so"}}`,
			want:       "names ListShards, and the SDK has no snapshot of it",
		},
		"no field": {exceptions: `{"valuse":{}}`, want: "snapshots.json: json"},
		"no snapshot": {
			snapshots: map[string]string{"Kinesis ListStreams": "", "Kinesis DescribeStreamSummary": ""},
			want:      "no snapshot is used",
		},
		"no answer": {
			snapshots: map[string]string{"Kinesis ListStreams": `{`},
			want:      "the snapshot of the answer to kinesis:ListStreams",
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"streams/" + leftOut: streamsLeftOut}
			if test.leftOut != "" {
				files["streams/"+leftOut] = test.leftOut
			}
			if test.exceptions != "" {
				files["streams/"+exceptionsFile] = test.exceptions
			}
			write(t, files)
			snapshots := maps.Clone(streamSnapshots)
			maps.Copy(snapshots, test.snapshots)
			maps.DeleteFunc(snapshots, func(_, body string) bool { return body == "" })
			got := reportSnapshots(t, collector{}.declare(), snapshots)
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("the suite reports\n%s\nwant %q", got, test.want)
			}
		})
	}
}

// TestAnswer: snapshots are read and written in each form.
func TestAnswer(t *testing.T) {
	for _, test := range []struct{ body, path, want, without string }{
		{
			`{"nextToken":"t","list":[{"a":{"b":1.50,"c":2}},{"a":{"b":1.50,"c":2}}]}`, "list.a.b",
			`{"list":[{"a":{"b":"x","c":2}},{"a":{"b":"x","c":2}}]}` + "\n",
			`{"list":[{"a":{"c":2}},{"a":{"c":2}}]}` + "\n",
		},
		{
			`<GetResponse><GetResult><A><member><B>1</B></member><member><B>2</B></member></A><Marker>t</Marker></GetResult></GetResponse>`,
			"A.member.B",
			`<GetResponse><GetResult><A><member><B>x</B></member><member><B>x</B></member></A></GetResult></GetResponse>`,
			`<GetResponse><GetResult><A><member></member><member></member></A></GetResult></GetResponse>`,
		},
		{
			"<?xml version=\"1.0\"?>\n<Get>\n  <a>&lt;1</a>\n  <b>2</b>\n</Get>", "b",
			`<Get><a>&lt;1</a><b>x</b></Get>`,
			`<Get><a>&lt;1</a></Get>`,
		},
		{
			string(cbor.Encode(cbor.Map{"nextToken": cbor.String("t"), "a": cbor.Map{"b": cbor.Bool(true)}})), "a.b",
			`{"a":{"b":"x"}}` + "\n",
			`{"a":{}}` + "\n",
		},
	} {
		a, err := parseAnswer([]byte(test.body))
		if err != nil {
			t.Errorf("%s: %v", test.body, err)
			continue
		}
		if got := string(a.without(strings.Split(test.path, "."))); got != test.without {
			t.Errorf("without %s\n got %s\nwant %s", test.path, got, test.without)
		}
		if set := a.set(test.path, "x"); !set || string(a.body()) != test.want {
			t.Errorf("%s is set: %t\n got %s\nwant %s", test.path, set, a.body(), test.want)
		}
		if a.set(test.path+"s", json.Number("1")) {
			t.Errorf("%ss is set, which is not there", test.path)
		}
	}
	for _, body := range []string{"", "<a>", "<a></b>", "{", "[]", "\xff"} {
		if a, err := parseAnswer([]byte(body)); err == nil && len(a.names(nil)) > 0 {
			t.Errorf("%q is an answer with %q", body, a.names(nil))
		}
	}
}
