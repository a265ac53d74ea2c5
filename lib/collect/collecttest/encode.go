package collecttest

import (
	"github.com/hubspoke/observability/lib/rowjson"
	"github.com/hubspoke/observability/lib/rows"
	"github.com/hubspoke/observability/lib/schema"
)

// encoder returns a function that writes one row as JSON, through an Arrow record
// as the runner does, and so with its rules. The caller must release it.
func encoder[T any](c schema.Category[T]) (encode func(*T) ([]byte, error), release func()) {
	appender := rows.NewAppender(c, nil)
	return func(row *T) ([]byte, error) {
		if err := appender.Append(row); err != nil {
			return nil, err
		}
		record := appender.Record()
		defer record.Release()
		e, err := rowjson.NewEncoder(c.Table, record)
		if err != nil {
			return nil, err
		}
		return e.AppendRow(nil, 0), nil
	}, appender.Release
}
