package awsanswer

import (
	"testing"

	smithycbor "github.com/aws/smithy-go/encoding/cbor"
)

// TestEmptyListsInCBOR: a list without elements is none that is missing.
func TestEmptyListsInCBOR(t *testing.T) {
	type output struct {
		InstanceRecommendations, Errors, Others []string
		NextToken                               *string
		hidden                                  []string
	}
	document := smithycbor.Encode(smithycbor.Map{
		"instanceRecommendations": smithycbor.List{},
		"errors":                  smithycbor.List{smithycbor.String("a")},
		"nextToken":               smithycbor.List{},
		"hidden":                  smithycbor.List{},
		"unknown":                 smithycbor.List{},
		"":                        smithycbor.List{},
	})
	result := &output{Errors: []string{"a"}}
	keepEmptyLists(document, result)
	if result.InstanceRecommendations == nil || len(result.Errors) != 1 || result.Others != nil ||
		result.NextToken != nil || result.hidden != nil {
		t.Errorf("got %#v", result)
	}
	for _, odd := range [][]byte{nil, {0xff}, smithycbor.Encode(smithycbor.List{}), document[:len(document)-1]} {
		keepEmptyLists(odd, &output{}) // does not panic
		keepEmptyLists(odd, nil)
	}
}
