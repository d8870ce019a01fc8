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
// trailer, or none, and then of the algorithm that its upload has.
type digests struct {
	body      *authn.Body
	patience  *patience
	algorithm string // empty: none
	want      string // base64; empty: not known before the trailer, or never
	trailer   string // name; empty: there is none
	sum       hash.Hash
	md5       []byte // Content-MD5; nil: none
}

// digests reads the headers. S3 allows one algorithm in a request.
func (q *request) digests() (*digests, error) {
	d, err := q.contentMD5()
	if err != nil {
		return nil, err
	}
	given := 0
	for name, values := range q.r.Header {
		suffix, ok := strings.CutPrefix(name, "X-Amz-Checksum-")
		if !ok || suffix == "Algorithm" || suffix == "Type" || suffix == "Mode" {
			continue
		}
		given++
		d.algorithm, d.want = strings.ToUpper(suffix), values[0]
	}
	for _, name := range q.body.TrailerNames {
		suffix, ok := strings.CutPrefix(name, "x-amz-checksum-")
		if !ok {
			return nil, badRequest("The value specified in the x-amz-trailer header is not supported: %s", name)
		}
		given++
		d.algorithm, d.trailer = strings.ToUpper(suffix), name
	}
	if given > 1 {
		return nil, badRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	}
	switch sdk := strings.ToUpper(q.r.Header.Get("X-Amz-Sdk-Checksum-Algorithm")); {
	case sdk == "":
	case given == 0:
		return nil, badRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	case sdk != d.algorithm:
		return nil, badRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return d, d.begin()
}

// contentMD5 is a body of which Content-MD5 alone is known.
func (q *request) contentMD5() (*digests, error) {
	d := &digests{body: q.body, patience: &q.patience}
	if v := q.r.Header.Get("Content-Md5"); v != "" {
		raw, err := base64.StdEncoding.DecodeString(v)
		if err != nil || len(raw) != md5.Size {
			return nil, fail(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.")
		}
		d.md5 = raw
	}
	return d, nil
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
	d.patience.reading()
	n, err := d.body.Read(p)
	if err != nil {
		d.patience.read()
	}
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
		values := d.body.Trailer(d.trailer)
		if len(values) != 1 {
			return "", fail(http.StatusBadRequest, "MalformedTrailerError",
				"The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
		if d.want = values[0]; !checksum.Valid(d.algorithm, d.want) {
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
