package preview

import (
	"bytes"
	"encoding/json"
	"image"
	"path"
	"strings"
	"unicode/utf8"

	_ "image/gif"  // these three
	_ "image/jpeg" // are what
	_ "image/png"  // images are known
)

// Kind is what an object was taken for.
type Kind string

// The kinds.
const (
	Text  Kind = "text"
	Code  Kind = "code"
	JSON  Kind = "JSON"
	Table Kind = "table"
	Prose Kind = "markdown"
	Hex   Kind = "hex"
	Image Kind = "image"
	None  Kind = "empty"
)

// Tone is what a piece of text is, for its colour.
type Tone uint8

// The tones.
const (
	Plain Tone = iota
	Comment
	String
	Number
	Keyword
	Heading
)

// Span is a piece of a line in one tone. Its text may hold anything but line breaks.
type Span struct {
	Text string
	Tone Tone
}

// Document is a preview; Lines are of any width.
type Document struct {
	Kind  Kind
	Lines [][]Span
	Image image.Image // of an Image, at most maxPixels wide and high
	Whole bool        // nothing was left out
	Size  [2]int      // of the image as it is stored, in pixels
}

// Of what is read.
const (
	textBytes  = 64 << 10
	imageBytes = 8 << 20
	hexBytes   = 4 << 10
	maxPixels  = 512
	// A picture can be small in bytes and enormous in memory.
	maxDecoded = 64 << 20
)

var images = map[string]bool{".png": true, ".jpg": true, ".jpeg": true, ".gif": true}

// Want is how many bytes of an object with this name and size a preview needs.
func Want(name string, size int64) int64 {
	if images[ext(name)] && size <= imageBytes {
		return size
	}
	return min(size, textBytes)
}

func ext(name string) string { return strings.ToLower(path.Ext(name)) }

// Make makes a preview of the first bytes of an object.
func Make(name string, head []byte, size int64) Document {
	whole := int64(len(head)) >= size
	if len(head) == 0 {
		return Document{Kind: None, Whole: true}
	}
	if images[ext(name)] && whole {
		if d, ok := picture(head); ok {
			return d
		}
	}
	if !whole {
		head = wholeRunes(head)
	}
	if !isText(head) {
		d := hex(head[:min(len(head), hexBytes)])
		d.Whole = whole && len(head) <= hexBytes
		return d
	}
	d := ofText(name, strings.ReplaceAll(string(head), "\r\n", "\n"), whole)
	d.Whole = whole
	return d
}

// wholeRunes drops a character that was cut off at the end.
func wholeRunes(b []byte) []byte {
	for k := 1; k < utf8.UTFMax && k <= len(b); k++ {
		if tail := b[len(b)-k:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-k]
			}
			break
		}
	}
	return b
}

// isText reports whether b is UTF-8 without control characters that no text has.
func isText(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	return bytes.IndexFunc(b, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' && r != '\f' && r != 0x1b }) < 0
}

func ofText(name, text string, whole bool) Document {
	switch e := ext(name); {
	case e == ".json" || e == ".geojson" || e == ".ipynb":
		return jsonDocument(text, whole)
	case e == ".csv":
		return table(text, ',', whole)
	case e == ".tsv":
		return table(text, '\t', whole)
	case e == ".md" || e == ".markdown":
		return markdown(text)
	case languages[e] != nil:
		return code(text, languages[e])
	case path.Base(name) == "Makefile" || path.Base(name) == "Dockerfile":
		return code(text, &script)
	}
	return plain(text)
}

func lines(text string) []string {
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\t", "    "), "\n"), "\n")
}

func plain(text string) Document {
	d := Document{Kind: Text}
	for _, line := range lines(text) {
		d.Lines = append(d.Lines, []Span{{Text: line}})
	}
	return d
}

// jsonDocument sets a value that is whole with indents.
func jsonDocument(text string, whole bool) Document {
	var set bytes.Buffer
	if whole && json.Indent(&set, []byte(text), "", "  ") == nil {
		text = set.String()
	}
	d := code(text, &jsonLanguage)
	d.Kind = JSON
	for _, spans := range d.Lines {
		for i := range len(spans) - 1 {
			if spans[i].Tone == String && strings.HasPrefix(spans[i+1].Text, ":") {
				spans[i].Tone = Keyword // a member's name
			}
		}
	}
	return d
}

func markdown(text string) Document {
	d := Document{Kind: Prose}
	fenced := false
	for _, line := range lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "```"):
			fenced = !fenced
			d.Lines = append(d.Lines, []Span{{line, Comment}})
		case fenced:
			d.Lines = append(d.Lines, []Span{{line, String}})
		case strings.HasPrefix(trimmed, "#"):
			d.Lines = append(d.Lines, []Span{{line, Heading}})
		case strings.HasPrefix(trimmed, ">"):
			d.Lines = append(d.Lines, []Span{{line, Comment}})
		default:
			d.Lines = append(d.Lines, inline(line))
		}
	}
	return d
}

// inline tells `code` in a line of prose, and the sign of a list.
func inline(line string) []Span {
	var spans []Span
	if rest := strings.TrimLeft(line, " "); len(rest) > 1 && strings.IndexByte("-*+", rest[0]) >= 0 && rest[1] == ' ' {
		at := len(line) - len(rest) + 1
		spans, line = append(spans, Span{line[:at], Keyword}), line[at:]
	}
	for i, part := range strings.Split(line, "`") {
		if i%2 == 1 {
			spans = append(spans, Span{"`" + part + "`", String})
		} else if part != "" {
			spans = append(spans, Span{part, Plain})
		}
	}
	return spans
}
