package dashboard

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// export answers with the rows of a query as a file, row by row.
func (s *server) export(w http.ResponseWriter, r *http.Request, name, format string,
	ask func(restricted bool) query) error {
	end, err := s.limits.export(viewer(r))
	if err != nil {
		return err
	}
	defer end()
	var out encoder // nil before the first byte
	written := 0
	begun, restricted := time.Now(), false
	err = read(r.Context(), s.pool, exportTimeout, func(tx pgx.Tx) error {
		restricted = isRestricted(tx)
		q := ask(restricted)
		rows, err := tx.Query(r.Context(), q.sql, arguments(q)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if out == nil {
				out = s.beginFile(w, name, format, rows.FieldDescriptions())
			}
			if written == s.limits.fileRows {
				return out.end(fmt.Sprintf("cut after %d rows", s.limits.fileRows))
			}
			values, err := rows.Values()
			if err != nil {
				return err
			}
			if err := out.row(values); err != nil {
				return err
			}
			written++
		}
		if rows.Err() != nil {
			return rows.Err()
		}
		if out == nil {
			out = s.beginFile(w, name, format, rows.FieldDescriptions())
		}
		return out.end("")
	})
	s.hooks.Exported(written)
	switch {
	case err == nil:
		s.log.Info("export", append(asked(r), "rows", written, "format", format, "duration", time.Since(begun))...)
	case isWithheld(restricted, err):
		return &failure{status: http.StatusForbidden, Title: withheld, reason: "totals", Href: "/rows",
			Next: "The rows of your accounts are in the other views."}
	case out == nil && tookTooLong(err):
		return &failure{status: http.StatusServiceUnavailable, Title: "This file has no answer.", reason: "database",
			Next: sentence(err, exportTimeout), retry: exportTimeout}
	case out != nil: // too late for another answer: the file says that it is cut
		s.log.Warn("an export failed", append(asked(r), "rows", written, "error", err)...)
		return out.end("cut: " + sentence(err, exportTimeout))
	}
	return err
}

// beginFile writes the headers of a file.
func (s *server) beginFile(w http.ResponseWriter, name, format string, columns []pgconn.FieldDescription) encoder {
	name += "-" + s.now().UTC().Format("20060102T150405Z") + "." + format
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s"`, name))
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	if format == "json" {
		w.Header().Set("Content-Type", "application/json")
		return &jsonFile{w: w, columns: names}
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	file := csv.NewWriter(w)
	file.UseCRLF = true
	_ = file.Write(names) // an error stays until the end
	return &csvFile{file}
}

// fileName is the name of a file without its time: where it is from and what was chosen.
func fileName(from string, chosen url.Values) string {
	parts := []string{slug(from)}
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		parts = append(parts, slug(name+"-"+strings.Join(chosen[name], "-")))
	}
	name := strings.Join(parts, "-")
	return name[:min(len(name), 150)] // of ASCII alone
}

// encoder writes rows in a format.
type encoder interface {
	row(values []any) error
	// end ends the file. A file that is not whole says why in its last row.
	end(cut string) error
}

type csvFile struct{ w *csv.Writer }

func (f *csvFile) row(values []any) error {
	record := make([]string, len(values))
	for i, v := range values {
		record[i] = harmless(v)
	}
	return f.w.Write(record)
}

func (f *csvFile) end(cut string) error {
	if cut != "" {
		_ = f.w.Write([]string{cut})
	}
	f.w.Flush()
	return f.w.Error()
}

// harmless writes a value so that no spreadsheet takes it for a formula. Only text can be
// one: a negative number stays what it is, because its type says that it is a number.
func harmless(v any) string {
	s := text(v)
	if _, isText := v.(string); isText && s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}

type jsonFile struct {
	w       io.Writer
	columns []string
	rows    int
}

func (f *jsonFile) row(values []any) error {
	row := map[string]any{}
	for i, v := range values {
		row[f.columns[i]] = jsonValue(v)
	}
	return f.object(row)
}

func (f *jsonFile) object(row any) error {
	written, err := json.Marshal(row)
	if err != nil {
		return err
	}
	before := ",\n"
	if f.rows == 0 {
		before = "[\n"
	}
	f.rows++
	_, err = fmt.Fprintf(f.w, "%s%s", before, written)
	return err
}

func (f *jsonFile) end(cut string) error {
	if cut != "" {
		if err := f.object(map[string]string{"cut": cut}); err != nil {
			return err
		}
	}
	if f.rows == 0 {
		_, err := io.WriteString(f.w, "[]\n")
		return err
	}
	_, err := io.WriteString(f.w, "\n]\n")
	return err
}

// jsonValue leaves what JSON has, and writes other types as text.
func jsonValue(v any) any {
	switch v.(type) {
	case nil, bool, string, map[string]any, []any:
		return v
	}
	s := text(v)
	if !math.IsNaN(number(v)) && json.Valid([]byte(s)) {
		return json.Number(s)
	}
	return s
}
