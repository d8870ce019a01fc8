package sigv4

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	lineMax    = 4 << 10 // bytes of a chunk's head or a trailer
	trailerMax = 16      // trailers
)

// ChunkReader decodes an aws-chunked body and checks the signature of each chunk as it
// ends, and of the trailers:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and
// …/sigv4-streaming-trailers.html. Bytes of a chunk are handed out before its
// signature is known: believe none of them before io.EOF.
type ChunkReader struct {
	// Trailer is filled at io.EOF.
	Trailer http.Header

	in       *bufio.Reader
	sig      *Signature // nil: chunks are not signed
	key      []byte
	previous string
	trailers bool

	left int64 // of the chunk
	want string
	sum  hash.Hash
	err  error
}

// bufferMax bounds the buffer in front of a body, in bytes.
const bufferMax = 64 << 10

// NewChunkReader reads body, of length bytes on the wire, -1 where that is not known. With a
// sig (and its key) chunks must be signed; trailers says whether trailers may follow the
// last chunk.
func NewChunkReader(body io.Reader, length int64, sig *Signature, key []byte, trailers bool) *ChunkReader {
	buffer := bufferMax
	if length >= 0 {
		buffer = int(min(max(length, lineMax), bufferMax)) // small bodies come in large numbers
	}
	c := &ChunkReader{in: bufio.NewReaderSize(body, buffer), sig: sig, key: key, trailers: trailers, Trailer: http.Header{}}
	if sig != nil {
		c.previous = sig.Value
		c.sum = sha256.New()
	}
	c.left = -1
	return c
}

var errChunk = refuse("InvalidRequest", "The body is not a well-formed aws-chunked stream")

// Read implements io.Reader.
func (c *ChunkReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if c.left < 0 {
		if c.err = c.head(); c.err != nil {
			return 0, c.err
		}
		if c.left == 0 {
			c.err = c.finish()
			return 0, c.err
		}
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.sum != nil {
		c.sum.Write(p[:n])
	}
	if c.left == 0 && n > 0 {
		c.err = c.end()
		return n, nil
	}
	c.err = whole(err)
	return n, c.err
}

// whole turns an early end into an error that says so.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (c *ChunkReader) line() (string, error) {
	b, err := c.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull) || len(b) > lineMax:
		return "", errChunk
	case err != nil:
		return "", whole(err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
}

// head reads "size[;chunk-signature=…]".
func (c *ChunkReader) head() error {
	l, err := c.line()
	if err != nil {
		return err
	}
	size, ext, _ := strings.Cut(l, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 63) // Uint: no signs
	if err != nil {
		return errChunk
	}
	c.left = int64(n)
	if c.sig == nil {
		return nil
	}
	c.want = strings.TrimPrefix(strings.TrimSpace(ext), "chunk-signature=")
	if len(c.want) != 64 {
		return refuse("SignatureDoesNotMatch", "A chunk of the body carries no signature")
	}
	c.sum.Reset()
	return nil
}

// end checks the chunk that was read and the line break after it.
func (c *ChunkReader) end() error {
	c.left = -1
	if l, err := c.line(); err != nil {
		return err
	} else if l != "" {
		return errChunk
	}
	return c.verify()
}

func (c *ChunkReader) verify() error {
	if c.sig == nil {
		return nil
	}
	return c.compare("AWS4-HMAC-SHA256-PAYLOAD", EmptyPayload+"\n"+hex.EncodeToString(c.sum.Sum(nil)), c.want)
}

func (c *ChunkReader) compare(kind, data, given string) error {
	text := kind + "\n" + c.sig.Time.UTC().Format(timeFormat) + "\n" + c.sig.Scope() + "\n" + c.previous + "\n" + data
	want := hex.EncodeToString(mac(c.key, text))
	if subtle.ConstantTimeCompare([]byte(want), []byte(given)) != 1 {
		return refuse("SignatureDoesNotMatch", "The signature of a part of the body does not match what was sent")
	}
	c.previous = want
	return nil
}

// finish checks the last chunk, which is empty, and reads the trailers.
func (c *ChunkReader) finish() error {
	if err := c.verify(); err != nil {
		return err
	}
	var canonical strings.Builder
	signature := ""
	for n := 0; ; n++ {
		l, err := c.line()
		if errors.Is(err, io.ErrUnexpectedEOF) && n == 0 && !c.trailers {
			break // some clients leave the last line break out
		}
		if err != nil {
			return err
		}
		if l == "" {
			break
		}
		name, value, ok := strings.Cut(l, ":")
		if !ok || !c.trailers || n == trailerMax {
			return errChunk
		}
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == "x-amz-trailer-signature" {
			signature = value
			continue
		}
		canonical.WriteString(name + ":" + value + "\n")
		c.Trailer.Add(name, value)
	}
	if c.sig != nil && c.trailers {
		if err := c.compare("AWS4-HMAC-SHA256-TRAILER", hexSum(canonical.String()), signature); err != nil {
			return err
		}
	}
	return io.EOF
}
