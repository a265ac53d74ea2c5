package rows

import (
	"bytes"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/hubspoke/observability/lib/internal/jsonscan"
	"github.com/hubspoke/observability/lib/internal/rowbuild"
	"github.com/hubspoke/observability/lib/schema"
)

// value reads a field of a row.
func value[V any](p unsafe.Pointer) V { return *(*V)(p) }

// set sets a cell to the field at p and returns what is wrong, without the place.
func (a *Appender[T]) set(cell *rowbuild.Cell, f *field, p unsafe.Pointer) *schema.RowError {
	if f.pointer {
		if p = value[unsafe.Pointer](p); p == nil {
			cell.SetNull()
			return nil
		}
	}
	switch f.Kind {
	case schema.KindText:
		s := value[string](p)
		text := unsafe.Slice(unsafe.StringData(s), len(s)) // read only, and copied by Builder.Append
		if wrong := schema.CheckText(text); wrong != "" {
			if f.Key {
				return &schema.RowError{Reason: schema.ReasonText, Detail: wrong}
			}
			text = cleanText(text)
		}
		cell.SetText(text)
	case schema.KindInt64:
		cell.SetInt64(value[int64](p))
	case schema.KindBool:
		cell.SetBool(value[bool](p))
	case schema.KindFloat64:
		v := value[float64](p)
		return outOfRange(cell.SetFloat64(v), v)
	case schema.KindDecimal:
		v := value[schema.Decimal](p)
		return outOfRange(cell.SetDecimal(v), v)
	case schema.KindTimestamp:
		v := value[time.Time](p)
		wrong := cell.SetTimestamp(v.Unix(), int64(v.Nanosecond())/1000)
		if wrong != "" && f.pointer {
			cell.SetNull()
			a.nulled++
			return nil
		}
		return outOfRange(wrong, v)
	case schema.KindDate:
		v := value[schema.Date](p)
		return outOfRange(cell.SetDate(v), v)
	default: // KindJSON
		return a.setJSON(cell, value[schema.JSON](p))
	}
	return nil
}

// cleanText returns a copy of text in which U+FFFD stands for what no text column can
// hold. A key is never cleaned: two keys might become one.
func cleanText(text []byte) []byte {
	text = bytes.ToValidUTF8(text, []byte("\ufffd"))
	return bytes.ReplaceAll(text, []byte{0}, []byte("\ufffd"))
}

func (a *Appender[T]) setJSON(cell *rowbuild.Cell, v schema.JSON) *schema.RowError {
	if len(v) == 0 {
		cell.SetNull()
		return nil
	}
	begin := len(a.json)
	var err error
	a.json, err = a.scan.AppendCanonical(a.json, v)
	wrong, ok := errors.AsType[*schema.RowError](err)
	if ok && wrong.Reason == schema.ReasonText {
		a.json, err = a.scan.AppendCanonical(a.json[:begin], jsonscan.CleanText(v))
		wrong, ok = errors.AsType[*schema.RowError](err)
	}
	if err != nil {
		if ok {
			return &schema.RowError{Reason: wrong.Reason, Detail: fmt.Sprintf("JSON at byte %d: %s", wrong.Offset, wrong.Detail)}
		}
		return &schema.RowError{Reason: schema.ReasonSyntax, Detail: err.Error()}
	}
	if text := a.json[begin:]; string(text) == "null" {
		cell.SetNull()
	} else {
		cell.SetText(text)
	}
	return nil
}

// outOfRange is the error for a value that is wrong, nil if wrong is "".
func outOfRange[V any](wrong string, v V) *schema.RowError {
	if wrong == "" {
		return nil
	}
	return &schema.RowError{Reason: schema.ReasonRange, Detail: wrong + ", found " + jsonscan.Excerpt(fmt.Append(nil, v))}
}
