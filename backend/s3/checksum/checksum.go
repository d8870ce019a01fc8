package checksum

import (
	"crypto/sha1" //nolint:gosec // S3 offers it
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"
)

// Types of an object's checksum:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html.
const (
	FullObject = "FULL_OBJECT"
	Composite  = "COMPOSITE" // the checksum of the parts' checksums, and their number
)

// The algorithms, as x-amz-checksum-algorithm spells them.
const (
	CRC32     = "CRC32"
	CRC32C    = "CRC32C"
	CRC64NVME = "CRC64NVME"
	SHA1      = "SHA1"
	SHA256    = "SHA256"
)

// Algorithms are all of them.
var Algorithms = []string{CRC32, CRC32C, CRC64NVME, SHA1, SHA256}

// nvme is the reflected polynomial of CRC-64/NVME.
const nvme = 0x9a6c9329ac4bc9b5

// Tables are built once; nothing changes them.
var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvmeTable  = crc64.MakeTable(nvme)
)

// Known reports whether S3's name of an algorithm is one of Algorithms.
func Known(algorithm string) bool {
	_, err := New(algorithm)
	return err == nil
}

// Header is the algorithm's header, in net/http's spelling.
func Header(algorithm string) string {
	return "X-Amz-Checksum-" + algorithm[:1] + strings.ToLower(algorithm[1:])
}

// Element is the algorithm's XML element.
func Element(algorithm string) string { return "Checksum" + algorithm }

// New makes a hash. Its Sum is in the byte order that S3 encodes.
func New(algorithm string) (hash.Hash, error) {
	switch algorithm {
	case CRC32:
		return crc32.NewIEEE(), nil
	case CRC32C:
		return crc32.New(castagnoli), nil
	case CRC64NVME:
		return crc64.New(nvmeTable), nil
	case SHA1:
		return sha1.New(), nil //nolint:gosec // S3 offers it
	case SHA256:
		return sha256.New(), nil
	}
	return nil, fmt.Errorf("checksum algorithm %q is not known", algorithm)
}

// Encode is a checksum as S3 writes it.
func Encode(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }

// Valid reports whether v is base64 of a checksum of the algorithm's length.
func Valid(algorithm, v string) bool {
	h, err := New(algorithm)
	if err != nil {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(v)
	return err == nil && len(raw) == h.Size()
}

// DefaultType is what an algorithm's multipart objects have where the client does not say.
func DefaultType(algorithm string) string {
	if algorithm == CRC64NVME {
		return FullObject
	}
	return Composite
}

// Allowed reports whether multipart objects can have that type: SHA cannot be combined, and
// CRC64NVME is always of the whole object.
func Allowed(algorithm, typ string) bool {
	switch algorithm {
	case CRC64NVME:
		return typ == FullObject
	case SHA1, SHA256:
		return typ == Composite
	}
	return typ == FullObject || typ == Composite
}
