package preview

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

const widestColumn = 32 // characters

// table sets comma-separated values in columns, the first line as their titles. What is
// no table is text.
func table(text string, comma rune, whole bool) Document {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = comma, -1, true
	var rows [][]string
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return plain(text)
		}
		rows = append(rows, row)
	}
	if !whole && len(rows) > 1 {
		rows = rows[:len(rows)-1] // the last one may be cut off
	}
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			row[i] = strings.NewReplacer("\n", " ", "\t", " ").Replace(cell)
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = min(max(widths[i], utf8.RuneCountInString(row[i])), widestColumn)
		}
	}
	d := Document{Kind: Table}
	for n, row := range rows {
		line := make([]Span, 0, 2*len(row))
		for i, cell := range row {
			tone := Plain
			switch {
			case n == 0:
				tone = Heading
			case number(cell):
				tone = Number
			}
			line = append(line, Span{padded(cell, widths[i]), tone}, Span{"  ", Plain})
		}
		d.Lines = append(d.Lines, line)
	}
	return d
}

func padded(s string, width int) string {
	n := utf8.RuneCountInString(s)
	if n > width {
		r := []rune(s)
		return string(r[:width-1]) + "…"
	}
	return s + strings.Repeat(" ", width-n)
}

func number(s string) bool { return s != "" && strings.Trim(s, "0123456789.-+eE%") == "" }
