package api

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"unicode/utf8"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// tokenFormat is the first byte of a continuation token; another one is of another release.
const tokenFormat = 1

// sealToken makes the continuation token of the page after a key or common prefix: to
// clients it is opaque, and a check keeps typos from skipping half of a list.
func sealToken(after string) string {
	b := append([]byte{tokenFormat}, after...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.RawURLEncoding.EncodeToString(b)
}

// openToken returns what sealToken was given.
func openToken(token string) (after string, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	end := len(b) - crc32.Size
	if err != nil || end < 2 || end > 1+store.MaxKey || b[0] != tokenFormat ||
		crc32.ChecksumIEEE(b[:end]) != binary.BigEndian.Uint32(b[end:]) || !utf8.Valid(b[1:end]) {
		return "", invalid("The continuation token provided is incorrect")
	}
	return string(b[1:end]), nil
}
