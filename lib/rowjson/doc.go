// Package rowjson turns rows between JSON objects and Arrow records.
//
// A [Decoder] is made for bytes from anybody: it takes exactly what the table of
// the category and PostgreSQL take, and says where and why it refuses a row. What
// it has let through is valid text, canonical JSON and numbers, times and dates
// that the column's type can hold. An [Encoder] writes what a Decoder reads back
// equal.
//
//	Kind       JSON
//	text       string
//	int64      number without fraction and exponent
//	float64    number, finite as a double
//	decimal    string: at most 28 digits before and 10 behind the point
//	bool       true or false
//	timestamp  string: RFC 3339 with the zone Z, at most 6 digits of a second
//	date       string: YYYY-MM-DD
//	json       any value, at most schema.MaxDepth levels deep
//
// A key that is absent and a key with the value null are the same. Keys match exactly,
// case included. The same key twice, in the row or in any object inside it, is an
// error. Keys that are no column are checked, counted and dropped, so that senders may
// know more columns than readers.
package rowjson
