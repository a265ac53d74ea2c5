package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// encode turns a value of the SDK's types into what json.Marshal writes as the API has it.
// The types have no tags that leave out what is not set. A text ${Name} becomes a reference
// to a parameter or resource of the template, and ${Name.Attribute} to an attribute.
func encode(value any) any { return encodeValue(reflect.ValueOf(value)) }

func encodeValue(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		return encodeValue(v.Elem())
	case reflect.Struct:
		fields := object{}
		for field, value := range v.Fields() {
			if field.IsExported() && !value.IsZero() {
				fields[field.Name] = encodeValue(value)
			}
		}
		return fields
	case reflect.Slice:
		elements := make([]any, v.Len())
		for i := range elements {
			elements[i] = encodeValue(v.Index(i))
		}
		return elements
	case reflect.String:
		return encodeText(v.String())
	}
	return v.Interface()
}

func encodeText(text string) any {
	name, isReference := strings.CutPrefix(text, "${")
	if !isReference {
		return text
	}
	name = strings.TrimSuffix(name, "}")
	if resource, attribute, found := strings.Cut(name, "."); found {
		return getAtt(resource, attribute)
	}
	return ref(name)
}

func ref(name string) object { return object{"Ref": name} }

func getAtt(resource, attribute string) object {
	return object{"Fn::GetAtt": []string{resource, attribute}}
}

func sub(text string) object { return object{"Fn::Sub": text} }

func when(condition string, then, otherwise any) object {
	return object{"Fn::If": []any{condition, then, otherwise}}
}

// nothing leaves a property out.
var nothing = ref("AWS::NoValue")

// maxInline is how many characters a value has at most that stays in one line.
const maxInline = 160

// layOut gives JSON without spaces a line for each part of what is long, so that people can
// read it and compare versions, and CloudFormation's limit of 1,000,000 bytes is far.
func layOut(b *bytes.Buffer, value json.RawMessage, indent string) error {
	if len(value) <= maxInline || value[0] != '{' && value[0] != '[' {
		b.Write(value)
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	open, err := decoder.Token()
	if err != nil {
		return err
	}
	inner := indent + " "
	fmt.Fprintf(b, "%v\n", open)
	for separator := inner; decoder.More(); separator = ",\n" + inner {
		b.WriteString(separator)
		if open == json.Delim('{') {
			key, err := decoder.Token()
			if err != nil {
				return err
			}
			fmt.Fprintf(b, "%q: ", key)
		}
		var part json.RawMessage
		if err := decoder.Decode(&part); err != nil {
			return err
		}
		if err := layOut(b, part, inner); err != nil {
			return err
		}
	}
	fmt.Fprintf(b, "\n%s%c", indent, value[len(value)-1])
	return nil
}
