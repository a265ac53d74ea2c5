package rowjson

// OtherKeys is the entry of [Decoder.UnknownKeys] for keys that are not told apart.
const OtherKeys = "(other)"

const (
	// maxUnknown bounds how many unknown keys are told apart: what arrives must
	// not decide how much memory is used.
	maxUnknown = 64
	// maxUnknownName is as long as the name of a column can be.
	maxUnknownName = 63
)

// unknownKeys counts keys that are no column.
type unknownKeys struct {
	byName map[string]*int64
	other  int64
}

func (u *unknownKeys) count(key []byte) {
	n, known := u.byName[string(key)]
	switch {
	case known:
		*n++
	case len(key) > maxUnknownName || len(u.byName) == maxUnknown:
		u.other++
	default:
		if u.byName == nil {
			u.byName = map[string]*int64{}
		}
		first := int64(1)
		u.byName[string(key)] = &first
	}
}

// take returns the counts and begins anew.
func (u *unknownKeys) take() map[string]int64 {
	m := make(map[string]int64, len(u.byName)+1)
	for name, n := range u.byName {
		m[name] = *n
	}
	if u.other > 0 {
		m[OtherKeys] += u.other
	}
	*u = unknownKeys{}
	return m
}
