package api

import (
	"strconv"
	"strings"
)

// piece is the part of an object that is answered: bytes offset to offset+length-1.
type piece struct {
	offset, length int64
	partial        bool
	part           int // number of the part that it is; 0: asked for by bytes
}

// byteRange reads a Range header (RFC 9110 section 14.1.2) for an object of size bytes.
// S3 answers several ranges, other units and what it cannot read with the whole object;
// ok is false for a range that lies outside of it.
func byteRange(header string, size int64) (p piece, ok bool) {
	whole := piece{length: size}
	spec, found := strings.CutPrefix(header, "bytes=")
	if !found {
		return whole, true
	}
	first, last, found := strings.Cut(strings.TrimSpace(spec), "-")
	if !found {
		return whole, true
	}
	from, hasFrom := decimal(first)
	to, hasTo := decimal(last)
	switch {
	case first == "" && hasTo: // the last bytes
		from, to = max(size-to, 0), size-1
		if to < from || last == "0" {
			return piece{}, false
		}
	case hasFrom && last == "":
		to = size - 1
	case !hasFrom || !hasTo || to < from:
		return whole, true
	}
	if from >= size {
		return piece{}, false
	}
	to = min(to, size-1)
	return piece{offset: from, length: to - from + 1, partial: true}, true
}

// decimal reads digits alone: strconv takes signs too.
func decimal(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 1<<63 - 1, true // beyond every object
	}
	return n, true
}
