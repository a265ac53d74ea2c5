package schema

// Shape is what the values of a JSON column are. A row with another value is refused,
// at the sender and in the hub, so that queries need not ask.
type Shape string

const (
	// AnyShape takes every JSON value.
	AnyShape Shape = ""
	// Object takes objects.
	Object Shape = "object"
	// Array takes arrays.
	Array Shape = "array"
)

// Fits reports whether a JSON value, which is not null and has no white space around
// it, has the shape.
func (s Shape) Fits(value []byte) bool {
	switch s {
	case Object:
		return len(value) > 0 && value[0] == '{'
	case Array:
		return len(value) > 0 && value[0] == '['
	}
	return true
}

// Personal is a class of personal data; "" is none. It marks a column for those who read
// the documents, and for senders that must not pass such data on (package personal).
type Personal string

const (
	// Contact is how people are reached: names, e-mail addresses, telephone numbers,
	// postal addresses.
	Contact Personal = "contact"
	// Identity is who people are to a computer: names and ARNs of users, host names.
	Identity Personal = "identity"
	// Network is where people are: IP addresses, and names made of them.
	Network Personal = "network"
	// FreeText is what people wrote, such as the subject of a case, and sentences in which
	// names and addresses are quoted.
	FreeText Personal = "text"
)

// PersonalClasses are all classes of personal data.
var PersonalClasses = []Personal{Contact, Identity, Network, FreeText}
