package collecttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"github.com/aws/smithy-go/encoding/cbor"
)

// Some services are asked in CBOR (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html).
// Their recordings are JSON as those of the others, and are translated here. A number is a
// float if it has a point, as 14.0, and a time in seconds if its member has the name of one.

// isCBOR reports whether a request is in CBOR.
func isCBOR(request *http.Request) bool {
	return request.Header.Get("Smithy-Protocol") == "rpc-v2-cbor"
}

// timeName matches names of members that are times.
var timeName = regexp.MustCompile(`([Tt]ime|[Tt]imestamp|[Dd]ate|At)$`)

// fromCBOR returns the parameters of a request, as parseJSON does.
func fromCBOR(body []byte) (any, error) {
	if len(body) == 0 {
		return map[string]any{}, nil
	}
	value, err := cbor.Decode(body)
	if err != nil {
		return nil, err
	}
	return plain(value), nil
}

// plain returns a CBOR value as a JSON value.
func plain(value cbor.Value) any {
	switch v := value.(type) {
	case cbor.Map:
		object := make(map[string]any, len(v))
		for name, member := range v {
			object[name] = plain(member)
		}
		return object
	case cbor.List:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = plain(element)
		}
		return list
	case cbor.String:
		return string(v)
	case cbor.Bool:
		return bool(v)
	case cbor.Uint:
		return json.Number(strconv.FormatUint(uint64(v), 10))
	case cbor.Float64:
		return json.Number(strconv.FormatFloat(float64(v), 'g', -1, 64))
	case *cbor.Tag:
		return plain(v.Value) // a time
	}
	return nil
}

// toCBOR returns an answer in JSON as CBOR. One that is not JSON stays as it is.
func toCBOR(body []byte) []byte {
	value, err := parseJSON(body)
	if err != nil {
		return body
	}
	return cbor.Encode(packed("", value))
}

// packed returns a JSON value, which is the member of this name, as CBOR.
func packed(name string, value any) cbor.Value {
	switch v := value.(type) {
	case map[string]any:
		object := make(cbor.Map, len(v))
		for name, member := range v {
			object[name] = packed(name, member)
		}
		return object
	case []any:
		list := make(cbor.List, len(v))
		for i, element := range v {
			list[i] = packed(name, element)
		}
		return list
	case string:
		return cbor.String(v)
	case bool:
		return cbor.Bool(v)
	case json.Number:
		return packedNumber(name, v)
	}
	return &cbor.Nil{}
}

func packedNumber(name string, number json.Number) cbor.Value {
	if timeName.MatchString(name) {
		return &cbor.Tag{ID: 1, Value: packedNumber("", number)}
	}
	if whole, err := strconv.ParseInt(number.String(), 10, 64); err == nil {
		if whole < 0 {
			return cbor.NegInt(-whole)
		}
		return cbor.Uint(whole)
	}
	f, err := number.Float64()
	if err != nil {
		panic(fmt.Sprintf("collecttest: the number %s of a recording: %v", number, err))
	}
	return cbor.Float64(f)
}
