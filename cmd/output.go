package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// stdout is standard output, which keeps that something could not be written: who prints need not
// look each time, and a full disk is no success.
type stdout struct {
	file *os.File
	mu   sync.Mutex
	err  error
}

// Write implements io.Writer.
func (s *stdout) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	return n, err
}

// failure is what could not be written; a closed pipe is the reader's choice.
func (s *stdout) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil || errors.Is(s.err, syscall.EPIPE) {
		return nil
	}
	return fault.Wrap(fault.Failure, cause(s.err), "what it says was done, was done", "cannot write standard output")
}

// terminalOf is the file behind a writer, where it is one.
func terminalOf(w io.Writer) (*os.File, bool) {
	s, ok := w.(*stdout)
	if !ok {
		return nil, false
	}
	return s.file, true
}

// print writes v as JSON, or calls text, after the format flag.
func (c *cli) print(v any, text func(io.Writer)) {
	if c.format != "json" {
		text(c.out)
		return
	}
	c.json(c.out, v)
}

// did is print of an act: who wants quiet is told nothing of what went well.
func (c *cli) did(v any, text func(io.Writer)) {
	c.print(v, func(out io.Writer) {
		if !c.quiet {
			text(out)
		}
	})
}

// removed is what commands that forget something print as JSON.
type removed struct {
	Removed string `json:"removed"`
	DryRun  bool   `json:"dry_run"`
}

// say prints a line of progress that JSON output does not have.
func (c *cli) say(format string, args ...any) {
	if c.format == "text" && !c.quiet {
		fmt.Fprintf(c.out, format+"\n", args...)
	}
}

func (c *cli) json(w io.Writer, v any) {
	if at := reflect.ValueOf(v); at.Kind() == reflect.Struct || at.Kind() == reflect.Slice {
		own := reflect.New(at.Type()).Elem()
		own.Set(at)
		fillLists(own)
		v = own.Interface()
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // stdout keeps what went wrong
}

// fillLists makes nil slices empty ones, which are [] and not null.
func fillLists(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && !strings.Contains(v.Type().Field(i).Tag.Get("json"), "omitempty") {
				fillLists(f)
			}
		}
	case reflect.Slice:
		if v.IsNil() && v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for i := range v.Len() {
			fillLists(v.Index(i))
		}
	}
}

// table aligns rows of cells under a head. What a cell says may have been chosen by somebody else.
func table(w io.Writer, head []string, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(head, "\t"))
	for _, row := range rows {
		for i, cell := range row {
			row[i] = clean(cell)
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	_ = t.Flush()
}

// fields prints aligned "Label: value" lines; pairs with an empty value are left out.
func fields(w io.Writer, pairs ...string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(t, "%s:\t%s\n", pairs[i], clean(pairs[i+1]))
		}
	}
	_ = t.Flush()
}

func size(bytes int64) string { return humanize.IBytes(uint64(max(bytes, 0))) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// clean writes what would move a terminal's cursor, or change what it shows, as escapes.
func clean(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}
