package objects

import (
	"crypto/md5"  //nolint:gosec // ETags are MD5
	"crypto/sha1" //nolint:gosec // a checksum of S3
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"strconv"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// The algorithms of S3's checksums, as JSON names them.
const (
	sumCRC32  = "crc32"
	sumCRC32C = "crc32c"
	sumCRC64  = "crc64nvme"
	sumSHA1   = "sha1"
	sumSHA256 = "sha256"
	sumMD5    = "md5" // of an ETag
)

// crc64nvme is the reversed polynomial of CRC-64/NVME:
// https://reveng.sourceforge.io/crc-catalogue/all.htm
var crc64nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)

// proof is what the bytes of an object have to add up to.
type proof struct {
	algorithm string
	want      string // as the store has it
}

// proof is the cheapest checksum of the whole object that there is; the zero value where there is none.
func (i Info) proof() proof {
	if i.Whole {
		for _, a := range []string{sumCRC32C, sumCRC32, sumCRC64, sumSHA256, sumSHA1} {
			if v := i.Checksums[a]; v != "" {
				return proof{a, v}
			}
		}
	}
	if isMD5(i.ETag) && !strings.HasPrefix(i.Encryption, "aws:kms") {
		return proof{sumMD5, strings.ToLower(i.ETag)}
	}
	return proof{}
}

func isMD5(etag string) bool {
	_, err := hex.DecodeString(etag)
	return len(etag) == 2*md5.Size && err == nil
}

// newHash counts what p wants; nil where it wants nothing.
func (p proof) newHash() hash.Hash {
	switch p.algorithm {
	case sumCRC32C:
		return crc32.New(castagnoli)
	case sumCRC32:
		return crc32.NewIEEE()
	case sumCRC64:
		return crc64.New(crc64nvme)
	case sumSHA1:
		return sha1.New() //nolint:gosec // a checksum of S3
	case sumSHA256:
		return sha256.New()
	case sumMD5:
		return md5.New() //nolint:gosec // ETags are MD5
	}
	return nil
}

func (p proof) check(place string, h hash.Hash) error {
	got := base64.StdEncoding.EncodeToString(h.Sum(nil))
	if p.algorithm == sumMD5 {
		got = hex.EncodeToString(h.Sum(nil))
	}
	return p.compare(place, got)
}

func (p proof) compare(place, got string) error {
	if got == p.want {
		return nil
	}
	return fault.New(fault.Failure, "the bytes were changed on their way or in the store; nothing was kept of them",
		"read %s: the bytes do not match the %s checksum of the object", place, p.algorithm)
}

// etagOf is the ETag that a body gets which is sent in parts of partSize bytes; in one piece
// where that is 0.
func etagOf(r io.ReaderAt, size, partSize int64) (string, error) {
	if partSize <= 0 {
		h := md5.New() //nolint:gosec // ETags are MD5
		_, err := io.Copy(h, io.NewSectionReader(r, 0, size))
		return hex.EncodeToString(h.Sum(nil)), err
	}
	all, count := md5.New(), 0 //nolint:gosec // ETags are MD5
	for off := int64(0); off < size; off += partSize {
		h := md5.New() //nolint:gosec // ETags are MD5
		if _, err := io.Copy(h, io.NewSectionReader(r, off, min(partSize, size-off))); err != nil {
			return "", err
		}
		all.Write(h.Sum(nil))
		count++
	}
	return fmt.Sprintf("%x-%d", all.Sum(nil), count), nil
}

// likelyParts are the sizes in MiB of parts that clients use: ours, those of aws-cli, the SDKs,
// rclone, s3cmd and others.
var likelyParts = []int64{16, 5, 8, 10, 15, 32, 50, 64, 100, 128, 256, 512, 1024}

// same reports whether a body is the object's. known is false where nothing tells but the size.
func (i Info) same(r io.ReaderAt, size int64) (same, known bool, err error) {
	if size != i.Size {
		return false, true, nil
	}
	if p := i.proof(); p.algorithm != "" {
		h := p.newHash()
		if _, err := io.Copy(h, io.NewSectionReader(r, 0, size)); err != nil {
			return false, true, err
		}
		return p.check("", h) == nil, true, nil
	}
	return sameParts(r, size, i.ETag)
}

// sameParts is same by the ETag of an upload in parts, whose size is guessed by their number.
func sameParts(r io.ReaderAt, size int64, etag string) (same, known bool, err error) {
	sum, number, ok := strings.Cut(etag, "-")
	count, nerr := strconv.ParseInt(number, 10, 64)
	if !ok || nerr != nil || count < 1 || !isMD5(sum) {
		return false, false, nil
	}
	tried := map[int64]bool{}
	for _, length := range append([]int64{partLength(size)}, sizesOf(likelyParts)...) {
		if tried[length] || (size+length-1)/length != count {
			continue
		}
		tried[length] = true
		got, err := etagOf(r, size, length)
		if err != nil {
			return false, false, err
		}
		if got == etag {
			return true, true, nil
		}
	}
	return false, false, nil
}

func sizesOf(mib []int64) []int64 {
	list := make([]int64, len(mib))
	for i, n := range mib {
		list[i] = n << 20
	}
	return list
}
