package eventstream

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// lineMost bounds a line in bytes: that of a key of 1,024 bytes, each escaped, and some.
const lineMost = 64 << 10

// Event is one event, or, without a name, the news that the stream is alive.
type Event struct {
	Name string
	Data []byte
	ID   string // the position after it; empty where none has come yet
}

// Reader reads events: https://html.spec.whatwg.org/multipage/server-sent-events.html.
type Reader struct {
	lines *bufio.Reader
	id    string
}

// NewReader reads from r.
func NewReader(r io.Reader) *Reader { return &Reader{lines: bufio.NewReaderSize(r, lineMost)} }

// More reports whether there is something to read that has come already.
func (r *Reader) More() bool { return r.lines.Buffered() > 0 }

// Next waits for an event, or for the end of a block without one.
func (r *Reader) Next() (Event, error) {
	var e Event
	some := false
	for {
		line, err := r.lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return e, errors.New("a line of the stream is too long")
		}
		if err != nil {
			return e, err // what is not ended by an empty line is no event
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			if !some {
				continue
			}
			if e.Data == nil {
				e.Name = ""
			} else if e.Name == "" {
				e.Name = "message"
			}
			e.ID = r.id
			return e, nil
		}
		some = true
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			if id := string(value); !strings.ContainsRune(id, 0) {
				r.id = id
			}
		case "event":
			e.Name = string(value)
		case "data":
			if e.Data != nil {
				e.Data = append(e.Data, '\n')
			}
			e.Data = append(e.Data, value...)
			if e.Data == nil {
				e.Data = []byte{}
			}
		}
	}
}
