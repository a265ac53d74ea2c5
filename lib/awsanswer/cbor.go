package awsanswer

import (
	"reflect"
	"strings"

	smithycbor "github.com/aws/smithy-go/encoding/cbor"
)

// keepEmptyLists gives a result the lists of an answer in CBOR that have no elements. Some
// clients of the SDK make nil of them, as of a list that is missing.
func keepEmptyLists(document []byte, result any) {
	value, err := smithycbor.Decode(document)
	members, isMap := value.(smithycbor.Map)
	output := reflect.ValueOf(result)
	if err != nil || !isMap || output.Kind() != reflect.Pointer || output.Elem().Kind() != reflect.Struct {
		return
	}
	for name, member := range members {
		list, isList := member.(smithycbor.List)
		if !isList || len(list) > 0 || name == "" {
			continue
		}
		field := output.Elem().FieldByName(strings.ToUpper(name[:1]) + name[1:])
		if field.IsValid() && field.Kind() == reflect.Slice && field.IsNil() && field.CanSet() {
			field.Set(reflect.MakeSlice(field.Type(), 0, 0))
		}
	}
}

// isCBORMap reports whether a document begins as a map.
func isCBORMap(document []byte) bool {
	const mapType = 5 // the upper three bits of the first byte
	return len(document) > 0 && document[0]>>5 == mapType
}
