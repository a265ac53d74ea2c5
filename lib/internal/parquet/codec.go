package parquet

import (
	"sync"

	"github.com/klauspost/compress/zstd"
	pqzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

// writeCodec compresses pages. parquet-go's own codec has a window of 8 MiB in
// each encoder, about 17 MiB of memory; pages are far smaller, and a writer must
// fit into a small process.
type writeCodec struct{ pqzstd.Codec }

var compression writeCodec

// writeWindow is no smaller than a page, so that nothing is lost by it.
const writeWindow = 1 << 20

var encoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil,
		zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(writeWindow),
		zstd.WithZeroFrames(true),
		zstd.WithEncoderCRC(false), // the manifest has the SHA-256 of the file
	)
	if err != nil {
		panic(err) // the options are constants
	}
	return e
})

// Encode is safe for concurrent use: callers wait for one another.
func (*writeCodec) Encode(dst, src []byte) ([]byte, error) {
	return encoder().EncodeAll(src, dst[:0]), nil
}
