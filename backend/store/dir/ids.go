package dir

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// token names a file: 16 random bytes.
type token [16]byte

func newToken() (t token) {
	rand.Read(t[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	return t
}

// parseToken accepts what String makes and nothing else.
func parseToken(s string) (t token, ok bool) {
	if len(s) != hex.EncodedLen(len(t)) || strings.ToLower(s) != s {
		return t, false
	}
	_, err := hex.Decode(t[:], []byte(s))
	return t, err == nil
}

func (t token) String() string { return hex.EncodeToString(t[:]) }

// place is where a blob's bytes are: a file of its own, or a piece of a pack. A file's id is
// its token; that of a piece has offset and length after it: "<token>.<offset>.<length>".
type place struct {
	file   token
	packed bool
	off    int64
	length int64
}

func (p place) id() string {
	id := p.file.String()
	if p.packed {
		id += "." + strconv.FormatInt(p.off, 10) + "." + strconv.FormatInt(p.length, 10)
	}
	return id
}

// parse refuses ids that this package did not make.
func parse(id string) (place, error) {
	name, piece, packed := strings.Cut(id, ".")
	p := place{packed: packed}
	file, ok := parseToken(name)
	if packed && ok {
		off, length, _ := strings.Cut(piece, ".")
		var err1, err2 error
		p.off, err1 = strconv.ParseInt(off, 10, 64)
		p.length, err2 = strconv.ParseInt(length, 10, 64)
		ok = err1 == nil && err2 == nil && p.off >= 0 && p.length > 0
	}
	if !ok {
		return place{}, fmt.Errorf("dir: %q is not the id of a blob: %w", id, store.ErrDamaged)
	}
	p.file = file
	return p, nil
}

func (b *Blobs) path(t token) string {
	name := t.String()
	return filepath.Join(b.root, "blobs", name[:2], name)
}

func (b *Blobs) packPath(t token) string { return filepath.Join(b.root, "packs", t.String()) }
