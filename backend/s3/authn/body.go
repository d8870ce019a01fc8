package authn

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/sigv4"
)

// Body is a request's payload, decoded, and verified as it is read.
type Body struct {
	// Length is of the payload in bytes; -1: not announced.
	Length int64
	// TrailerNames are the lower-case names that x-amz-trailer announces.
	TrailerNames []string

	in       io.Reader
	chunks   *sigv4.ChunkReader // nil: not aws-chunked
	sum      hash.Hash          // nil: not hashed
	want     []byte
	finished error
}

// Trailer are a trailer's values; they are known once Read has returned io.EOF.
func (b *Body) Trailer(name string) []string {
	if b.chunks == nil {
		return nil
	}
	return b.chunks.Trailer.Values(name)
}

// newBody wraps r.Body by what the request says of its payload hash.
func newBody(r *http.Request, payload string, s *sigv4.Signature, key []byte) (*Body, error) {
	b := &Body{Length: r.ContentLength, in: r.Body}
	if b.in == nil {
		b.in = http.NoBody
	}
	streaming, trailers := strings.HasPrefix(payload, "STREAMING-"), false
	switch payload {
	case sigv4.UnsignedPayload:
		return b, nil
	case sigv4.StreamingSigned:
	case sigv4.StreamingSignedTrailer:
		trailers = true
	case sigv4.StreamingUnsignedTrailer:
		trailers, s = true, nil
	default:
		if streaming {
			return nil, &Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: payload + " is not supported."}
		}
		want, err := hex.DecodeString(payload)
		if err != nil || len(want) != sha256.Size {
			return nil, &Error{
				Status: http.StatusBadRequest, Code: "InvalidArgument",
				Message: "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, one of the STREAMING- values, or a valid sha256 value.",
			}
		}
		b.sum, b.want = sha256.New(), want
		return b, nil
	}
	if s == nil && payload != sigv4.StreamingUnsignedTrailer {
		return nil, &Error{Status: http.StatusBadRequest, Code: "InvalidRequest", Message: "A signed stream needs a signed request."}
	}
	length, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return nil, &Error{
			Status: http.StatusLengthRequired, Code: "MissingContentLength",
			Message: "You must provide the x-amz-decoded-content-length HTTP header.",
		}
	}
	for _, name := range strings.Split(r.Header.Get("X-Amz-Trailer"), ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			b.TrailerNames = append(b.TrailerNames, name)
		}
	}
	b.Length = length
	b.chunks = sigv4.NewChunkReader(b.in, r.ContentLength, s, key, trailers)
	b.in = b.chunks
	return b, nil
}

// Read implements io.Reader. Its errors are *Error where the client is to blame.
func (b *Body) Read(p []byte) (int, error) {
	if b.finished != nil {
		return 0, b.finished
	}
	n, err := b.in.Read(p)
	if b.sum != nil {
		b.sum.Write(p[:n])
	}
	if err != nil {
		b.finished = b.end(err)
	}
	return n, b.finished
}

func (b *Body) end(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{
			Status: http.StatusBadRequest, Code: "IncompleteBody",
			Message: "You did not provide the number of bytes specified by the Content-Length HTTP header.",
		}
	case !errors.Is(err, io.EOF):
		return fromSig(err)
	case b.sum != nil && subtle.ConstantTimeCompare(b.sum.Sum(nil), b.want) != 1:
		return &Error{
			Status: http.StatusBadRequest, Code: "XAmzContentSHA256Mismatch",
			Message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
		}
	}
	return io.EOF
}
