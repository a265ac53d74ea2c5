package collecttest

import (
	"reflect"
	"testing"

	"github.com/aws/smithy-go/encoding/cbor"
)

// TestCBOR: the recording of an answer in JSON is what the SDK reads, and its requests
// are what a recording has.
func TestCBOR(t *testing.T) {
	const recording = `{"name":"a","startTime":1760918400.5,"updatedAt":1760918400,"days":14.5,"count":3,"less":-2,
		"idle":false,"none":null,"list":[{"lastRefreshTimestamp":7}]}`
	want := cbor.Map{
		"name":      cbor.String("a"),
		"startTime": &cbor.Tag{ID: 1, Value: cbor.Float64(1760918400.5)},
		"updatedAt": &cbor.Tag{ID: 1, Value: cbor.Uint(1760918400)},
		"days":      cbor.Float64(14.5),
		"count":     cbor.Uint(3),
		"less":      cbor.NegInt(2),
		"idle":      cbor.Bool(false),
		"none":      &cbor.Nil{},
		"list":      cbor.List{cbor.Map{"lastRefreshTimestamp": &cbor.Tag{ID: 1, Value: cbor.Uint(7)}}},
	}
	body := toCBOR([]byte(recording))
	if got, err := cbor.Decode(body); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, error %v; want %#v", got, err, want)
	}
	const request = `{"maxResults":1000,"filters":[{"name":"Status","values":["ACTIVE"]}],"after":1.5,"all":true}`
	back, err := fromCBOR(toCBOR([]byte(request)))
	parsed, parseErr := parseJSON([]byte(request))
	if err != nil || parseErr != nil || !reflect.DeepEqual(back, parsed) {
		t.Errorf("got %#v, error %v; want %#v", back, err, parsed)
	}
	if empty, err := fromCBOR(nil); err != nil || !reflect.DeepEqual(empty, map[string]any{}) {
		t.Errorf("a request without a body is %#v, error %v", empty, err)
	}
}
