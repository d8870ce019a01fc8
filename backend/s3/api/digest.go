package api

import (
	"crypto/md5" //nolint:gosec // Content-MD5
	"encoding/base64"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/checksum"
)

// digests reads a body along with the checksum that came with it: in a header, in a
// trailer, or only named, and then computed.
type digests struct {
	body      *authn.Body
	algorithm string // empty: none
	want      string // base64; empty: not known before the trailer, or never
	trailer   string // name; empty: there is none
	sum       hash.Hash
	md5       []byte // Content-MD5; nil: none
}

// digests reads the headers. Only the first algorithm that is named counts; S3 allows no more.
func (q *request) digests() (*digests, error) {
	d := &digests{body: q.body}
	h := q.r.Header
	if v := h.Get("Content-Md5"); v != "" {
		raw, err := base64.StdEncoding.DecodeString(v)
		if err != nil || len(raw) != md5.Size {
			return nil, fail(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.")
		}
		d.md5 = raw
	}
	given := 0
	for name := range h {
		lower := strings.ToLower(name)
		suffix, ok := strings.CutPrefix(lower, "x-amz-checksum-")
		if !ok || suffix == "algorithm" || suffix == "type" || suffix == "mode" {
			continue
		}
		given++
		d.algorithm, d.want = strings.ToUpper(suffix), h.Get(name)
	}
	for _, name := range q.body.TrailerNames {
		if suffix, ok := strings.CutPrefix(name, "x-amz-checksum-"); ok {
			given++
			d.algorithm, d.trailer = strings.ToUpper(suffix), name
		}
	}
	if given > 1 {
		return nil, badRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	}
	if d.algorithm == "" {
		d.algorithm = strings.ToUpper(h.Get("X-Amz-Sdk-Checksum-Algorithm"))
	}
	return d, d.begin()
}

// begin starts the hash, once the algorithm is settled.
func (d *digests) begin() (err error) {
	if d.algorithm == "" {
		return nil
	}
	if !checksum.Known(d.algorithm) {
		return notImplemented("checksum algorithm " + d.algorithm)
	}
	if d.want != "" && !checksum.Valid(d.algorithm, d.want) {
		return badRequest("Value for x-amz-checksum-%s header is invalid.", strings.ToLower(d.algorithm))
	}
	d.sum, err = checksum.New(d.algorithm)
	return err
}

// Read implements io.Reader.
func (d *digests) Read(p []byte) (int, error) {
	n, err := d.body.Read(p)
	if d.sum != nil {
		d.sum.Write(p[:n])
	}
	return n, err
}

// finish compares, after the body's end, and returns the checksum in base64. sum is the
// MD5 of the body in hex.
func (d *digests) finish(sum string) (string, error) {
	if d.md5 != nil && hex.EncodeToString(d.md5) != sum {
		return "", fail(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	if d.sum == nil {
		return "", nil
	}
	if d.trailer != "" {
		if d.want = d.body.Trailer(d.trailer); !checksum.Valid(d.algorithm, d.want) {
			return "", badRequest("Value for %s trailing header is invalid.", d.trailer)
		}
	}
	got := checksum.Encode(d.sum)
	if d.want != "" && d.want != got {
		return "", fail(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", d.algorithm)
	}
	return got, nil
}

// verify is finish for a body that is in memory.
func (d *digests) verify(raw []byte) error {
	sum := md5.Sum(raw) //nolint:gosec // Content-MD5
	_, err := d.finish(hex.EncodeToString(sum[:]))
	return err
}

// section computes the checksum of bytes that are not the body's.
func section(algorithm string) func(io.Reader) (string, error) {
	if algorithm == "" {
		return nil
	}
	return func(r io.Reader) (string, error) {
		h, err := checksum.New(algorithm)
		if err != nil {
			return "", err
		}
		if _, err := io.Copy(h, r); err != nil {
			return "", err
		}
		return checksum.Encode(h), nil
	}
}
