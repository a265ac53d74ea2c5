package envelope_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"reflect"
	"testing"

	"github.com/hubspoke/observability/lib/envelope"
	"github.com/hubspoke/observability/lib/schema"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(partLine + partBody))
	f.Add([]byte(endLine))
	f.Add([]byte("\xf3\x89\x9a\xc2"))
	f.Add([]byte(`{"obs":2,`))
	f.Add([]byte(`{"obs":1,"dict":"x"}` + "\n"))
	f.Fuzz(func(t *testing.T, record []byte) {
		r, err := envelope.Parse(record)
		if err != nil {
			var refused *envelope.Error
			if !errors.As(err, &refused) || refused.Reason == "" || !reflect.DeepEqual(r, envelope.Record{}) {
				t.Fatalf("%+v, %v", r, err)
			}
			return
		}
		if !bytes.HasSuffix(record, r.Body) || r.Scope.Validate() != nil || (r.Part == nil) == (r.End == nil) {
			t.Fatalf("%+v", r)
		}
		if r.Part != nil && r.Part.Size > 64*len(r.Body)+64<<10 {
			t.Fatalf("a body of %d bytes may be %d", len(r.Body), r.Part.Size)
		}
		if r.End != nil {
			// Writing it gives a record that means the same.
			again, err := envelope.Parse(endRecord(t, *r.End))
			if err != nil || !reflect.DeepEqual(again, r) {
				t.Fatalf("%+v became %+v, %v", r, again, err)
			}
		}
	})
}

func FuzzBody(f *testing.F) {
	rows := []byte("{\"n\":1}\n{\"n\":2}\n")
	f.Add(compress(f, rows), len(rows), true)
	f.Add(rows, len(rows), false)
	f.Add(compress(f, make([]byte, 1<<16)), 1<<16, true)
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 1, 0, 0}, envelope.MaxSize, true)
	d := envelope.NewDecoder()
	f.Cleanup(d.Close)
	f.Fuzz(func(t *testing.T, body []byte, size int, compressed bool) {
		h := &envelope.PartHeader{Codec: envelope.None, Rows: 1, Size: size % (1 << 20)}
		if compressed {
			h.Codec = envelope.Zstd
		}
		var refused *envelope.Error
		if _, err := d.Body(nil, h, body); !errors.As(err, &refused) {
			t.Fatalf("a body without its hash: %v", err)
		}
		// With the right hash, what comes out is what the header promises.
		h.SHA256 = sha256.Sum256(body)
		out, err := d.Body(nil, h, body)
		if err == nil && (len(out) != h.Size || bytes.Count(out, []byte{'\n'}) != 1) {
			t.Fatalf("%d bytes for %+v", len(out), h)
		}
		if err != nil && (!errors.As(err, &refused) || refused.Reason == envelope.ReasonHash) {
			t.Fatal(err)
		}
	})
}

// FuzzPack packs any lines and expects them back. The packers are made once: that
// takes longer than packing.
func FuzzPack(f *testing.F) {
	var packers []*envelope.Packer
	for _, rows := range []int{1, 2, 7, 1000} {
		for _, limit := range []int{8 << 10, 9<<10 + 1, 64 << 10, 1 << 20} {
			packers = append(packers, newPacker(f, envelope.Config{MaxRecord: limit, MaxSize: limit, MaxRows: rows}))
		}
	}
	for i := range packers {
		f.Add([]byte("{\"n\":1}\n{\"n\":2}"), uint8(i))
		f.Add(bytes.Repeat([]byte("abc\n"), 50), uint8(i))
		f.Add(bytes.Repeat(append(bytes.Repeat([]byte("abc"), 1300), '\n'), 3), uint8(i))
		f.Add(bytes.Repeat(append(bytes.Repeat([]byte("a"), 7000), '\n'), 30), uint8(i))
	}
	f.Fuzz(func(t *testing.T, text []byte, packer uint8) {
		p := packers[int(packer)%len(packers)]
		r := startRun(t, p, scope)
		var added []string
		for line := range bytes.SplitSeq(text, []byte{'\n'}) {
			if len(line) > 0 && len(line) <= p.MaxLine() {
				if err := r.Add(line); err != nil {
					t.Fatal(err)
				}
				added = append(added, string(line))
			}
		}
		wantRows(t, r.Flush(), added)
		record, err := envelope.Parse(endOf(t, r, schema.Partial, string(text)))
		if err != nil || int(record.End.Rows) != len(added) {
			t.Fatalf("end %+v, %v; %d rows were added", record.End, err, len(added))
		}
	})
}
