package preview

import (
	"fmt"
	"strings"
)

// hexWidth is how many bytes are in a row: as many as fit beside a list.
const hexWidth = 8

// hex is bytes in rows, with the letters among them beside.
func hex(b []byte) Document {
	d := Document{Kind: Hex}
	for at := 0; at < len(b); at += hexWidth {
		row := b[at:min(at+hexWidth, len(b))]
		var digits, letters strings.Builder
		for i := range hexWidth {
			if i >= len(row) {
				digits.WriteString("   ")
				continue
			}
			fmt.Fprintf(&digits, "%02x ", row[i])
			if c := row[i]; c >= ' ' && c <= '~' {
				letters.WriteByte(c)
			} else {
				letters.WriteByte('.')
			}
		}
		d.Lines = append(d.Lines, []Span{{fmt.Sprintf("%06x  ", at), Comment}, {digits.String(), Plain}, {" " + letters.String(), String}})
	}
	return d
}
