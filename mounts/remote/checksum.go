package remote

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"net/url"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A body is proven to a store by its SHA-256 in the signature, or by a CRC-32C in a signed
// header, which costs a tenth. The latter alone will do where the store verifies it, as it
// shows by naming it in its answers, and where nobody on the way could change body and
// header: over TLS, and on this machine. What changed between summing and sending is refused
// either way.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the CRC-32C of the n bytes at off, as the header has it.
func sum(body io.ReaderAt, off, n int64) (*string, error) {
	h := crc32.New(castagnoli)
	if _, err := io.Copy(h, io.NewSectionReader(body, off, n)); err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, h.Sum32()))
	return &text, nil
}

// private reports whether nobody is between this process and the store who could change
// what is sent.
func private(endpoint *url.URL, socket string) bool {
	ip := net.ParseIP(endpoint.Hostname())
	return socket != "" || endpoint.Scheme == "https" || ip != nil && ip.IsLoopback()
}

// unsigned leaves the body out of the signature where its CRC-32C is proof enough.
func (c *Client) unsigned(verified bool) func(*s3.Options) {
	return func(o *s3.Options) {
		if verified && c.private {
			o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
		}
	}
}
