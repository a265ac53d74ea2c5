package collecttest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hubspoke/observability/lib/collect"
	"github.com/hubspoke/observability/lib/schema"
)

// scenario is one environment, what AWS answers in it, and what comes of it: the
// directory of the category (its name is empty) or one below it.
type scenario struct {
	name       string
	dir        string // below testdata
	env        environment
	recordings []Recording
}

// environment is a file env.json: what is different in collect.Env.
type environment struct {
	Account   string            `json:"account"`
	Partition string            `json:"partition"`
	Region    string            `json:"region"`
	Global    bool              `json:"global"`
	Labels    map[string]string `json:"labels"`
	Version   string            `json:"version"`
	Now       time.Time         `json:"now"`
	Since     time.Time         `json:"since"`
}

// scenarios returns those of a category. Recordings in the directory of the category
// itself are the first.
func scenarios(category string, reach collect.Reach) ([]scenario, error) {
	main := scenario{dir: category, env: environment{Global: reach == collect.Global}}
	entries, err := os.ReadDir(filepath.Join("testdata", category))
	if err != nil {
		return nil, err
	}
	list := []scenario{main}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		s := scenario{name: entry.Name(), dir: category + "/" + entry.Name(), env: main.env}
		file := filepath.Join("testdata", s.dir, "env.json")
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		d := json.NewDecoder(bytes.NewReader(content))
		d.DisallowUnknownFields()
		if err := d.Decode(&s.env); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		list = append(list, s)
	}
	for i := range list {
		dir := filepath.Join("testdata", list[i].dir)
		list[i].recordings, err = Recordings(dir)
		// Some answers need no request, as that of a partition without the service.
		if err != nil && (list[i].name == "" || hasStories(dir)) {
			return nil, err
		}
	}
	return list, nil
}

func hasStories(dir string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "*.txtar"))
	return len(files) > 0
}

// collectEnv returns the environment of a run. r answers its requests.
func (s *scenario) collectEnv(r *replay) *collect.Env {
	return &collect.Env{
		AWS:       config(cmp.Or(s.env.Region, Region), r),
		Account:   cmp.Or(s.env.Account, Account),
		Partition: cmp.Or(s.env.Partition, "aws"),
		Region:    cmp.Or(s.env.Region, Region),
		Global:    s.env.Global,
		Labels:    maps.Clone(s.env.Labels),
		Version:   s.env.Version,
		Now:       cmp.Or(s.env.Now, Now),
		Since:     s.env.Since,
		Logger:    slog.New(slog.DiscardHandler),
	}
}

// outcome returns the text of want.outcome: the outcome that a run ends with, and the
// errors that are behind it, by slice where slices have their own.
func outcome(rows int, err error) string {
	word := string(schema.OK)
	switch {
	case err == nil && rows == 0:
		word = string(schema.Empty)
	case err != nil && rows > 0:
		word = string(schema.Partial)
	case err != nil:
		word = string(collect.Classify(err))
	}
	lines := []string{word}
	var bySlice collect.SliceErrors
	if errors.As(err, &bySlice) {
		for _, slice := range slices.Sorted(maps.Keys(bySlice)) {
			lines = append(lines, fmt.Sprintf("%s: %s: %v", slice, collect.Classify(bySlice[slice]), bySlice[slice]))
		}
	} else if err != nil {
		lines = append(lines, err.Error())
	}
	return strings.Join(lines, "\n") + "\n"
}

// kept reads kept.json of a category: members of answers with a name that sounds as
// if they held secrets, and why they hold none. No file is none.
func kept(category string) (map[string]string, error) {
	file := filepath.Join("testdata", category, "kept.json")
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names map[string]string
	if err := json.Unmarshal(content, &names); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for name, reason := range names {
		if reason == "" {
			return nil, fmt.Errorf("%s: %s has no reason", file, name)
		}
	}
	return names, nil
}
