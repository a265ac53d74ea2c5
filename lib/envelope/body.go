package envelope

import (
	"bytes"
	"crypto/sha256"
	"iter"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// Decoder takes the bodies of records apart. It is not safe for concurrent use.
type Decoder struct{ zstd *zstd.Decoder }

// NewDecoder returns a decoder. Close it.
func NewDecoder() *Decoder {
	z, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1), // Body decodes in the caller's goroutine
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(MaxSize), // and so no larger window
		zstd.WithDecodeAllCapLimit(true),   // what the frame says of its size is never believed
	)
	if err != nil {
		panic(err) // the options are constants
	}
	return &Decoder{z}
}

// Close releases the decompressor. Body must not be called afterwards.
func (d *Decoder) Close() { d.zstd.Close() }

// Body appends the decoded body of a part to dst and returns it, after it has
// proved to have the SHA-256, size and number of lines that h declares: bytes that
// are not the sender's never reach the decompressor. h and body are those of a
// [Record]. It needs no more memory than h.Size, which is at most MaxSize, or body. The
// error is an [*Error]; dst is then returned as it was.
func (d *Decoder) Body(dst []byte, h *PartHeader, body []byte) ([]byte, error) {
	if h.Size < 0 || h.Size > MaxSize {
		return dst, refuse(ReasonTooLarge, "size %d is more than %d bytes", h.Size, MaxSize)
	}
	if sum := sha256.Sum256(body); sum != h.SHA256 {
		return dst, refuse(ReasonHash, "the body's SHA-256 is %x, the header says %x", sum, h.SHA256)
	}
	start := len(dst)
	decoded, err := d.decompress(slices.Grow(dst, h.Size), h, body)
	if err != nil {
		return dst, err
	}
	rows := decoded[start:]
	if len(rows) != h.Size {
		return dst, refuse(ReasonCorrupt, "the body has %d bytes, the header says %d", len(rows), h.Size)
	}
	if len(rows) == 0 || rows[len(rows)-1] != '\n' {
		return dst, refuse(ReasonRows, "the body does not end with a line feed")
	}
	if n := bytes.Count(rows, []byte{'\n'}); int64(n) != h.Rows {
		return dst, refuse(ReasonRows, "the body has %d lines, the header says %d rows", n, h.Rows)
	}
	return decoded, nil
}

func (d *Decoder) decompress(dst []byte, h *PartHeader, body []byte) ([]byte, error) {
	switch h.Codec {
	case None:
		return append(dst, body...), nil
	case Zstd:
		limited := dst[: len(dst) : len(dst)+h.Size]
		decoded, err := d.zstd.DecodeAll(body, limited)
		if err != nil {
			return nil, refuse(ReasonCorrupt, "the body does not decompress to %d bytes: %v", h.Size, err)
		}
		return decoded, nil
	}
	return nil, refuse(ReasonCodec, "codec %.40q is not zstd or none", h.Codec)
}

// Lines yields the number, from 0, and the bytes of each line of a decoded body,
// without its line feed. The bytes are a part of body.
func Lines(body []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for i := 0; len(body) > 0; i++ {
			line, rest, _ := bytes.Cut(body, []byte{'\n'})
			if !yield(i, line) {
				return
			}
			body = rest
		}
	}
}
