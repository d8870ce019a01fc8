package api_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // Content-MD5
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/checksum"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/sigv4"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

func sumOf(t *testing.T, algorithm string, data []byte) string {
	t.Helper()
	h, err := checksum.New(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	h.Write(data)
	return checksum.Encode(h)
}

// stream hides that a body can seek, so that the SDK sends it aws-chunked with a trailer.
type stream struct{ io.Reader }

// SPEC B4 (wire facts)
func TestChecksums(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	c := owner(srv)
	body := randomBytes(300_000)
	for _, algorithm := range checksum.Algorithms {
		t.Run(algorithm, func(t *testing.T) {
			want := sumOf(t, algorithm, body)
			header := strings.ToLower(checksum.Header(algorithm))
			check := func(how string) {
				t.Helper()
				out := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled}))
				got := must[[]byte](t)(io.ReadAll(out.Body)) // the SDK verifies too
				a := raw{method: "HEAD", path: "/bkt/k", header: map[string]string{"X-Amz-Checksum-Mode": "ENABLED"}, key: srv.AccessKey, secret: srv.Secret}.do(t, srv)
				if !bytes.Equal(got, body) || a.header.Get(header) != want || a.header.Get("X-Amz-Checksum-Type") != "FULL_OBJECT" {
					t.Errorf("%s: %v", how, a.header)
				}
				if a := (raw{method: "HEAD", path: "/bkt/k", key: srv.AccessKey, secret: srv.Secret}).do(t, srv); a.header.Get(header) != "" {
					t.Errorf("%s: a checksum that nobody asked for", how)
				}
			}
			must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Body: bytes.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithm(algorithm)}))
			check("the SDK's own way")
			h := map[string]string{header: want}
			raw{method: "PUT", path: "/bkt/k", body: string(body), header: h, key: srv.AccessKey, secret: srv.Secret, payload: "UNSIGNED-PAYLOAD"}.do(t, srv).want(t, 200, "")
			check("in a header")
			trailer := func(value string) answer {
				return raw{
					method: "PUT", path: "/bkt/k", key: srv.AccessKey, secret: srv.Secret, payload: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
					header: map[string]string{"X-Amz-Trailer": header, "X-Amz-Decoded-Content-Length": fmt.Sprint(len(body)), "Content-Encoding": "aws-chunked"},
					body:   fmt.Sprintf("%x\r\n%s\r\n0\r\n%s:%s\r\n\r\n", len(body), body, header, value),
				}.do(t, srv)
			}
			trailer(want).want(t, 200, "")
			check("in a trailer")
			wrong := sumOf(t, algorithm, body[1:])
			trailer(wrong).want(t, 400, "BadDigest")
			trailer("").want(t, 400, "InvalidRequest")
			h[header] = wrong
			raw{method: "PUT", path: "/bkt/k", body: string(body), header: h, key: srv.AccessKey, secret: srv.Secret}.do(t, srv).want(t, 400, "BadDigest")
			h[header] = "nonsense"
			raw{method: "PUT", path: "/bkt/k", body: string(body), header: h, key: srv.AccessKey, secret: srv.Secret}.do(t, srv).want(t, 400, "InvalidRequest")
			check("after wrong ones")
		})
	}
	a := raw{method: "HEAD", path: "/bkt/k", key: srv.AccessKey, secret: srv.Secret}.do(t, srv)
	if a.header.Get("Content-Encoding") != "" {
		t.Error("aws-chunked was kept as the object's encoding")
	}
	sum := md5.Sum([]byte("other")) //nolint:gosec // Content-MD5
	for value, code := range map[string]string{base64.StdEncoding.EncodeToString(sum[:]): "BadDigest", "x": "InvalidDigest"} {
		raw{method: "PUT", path: "/bkt/k", body: "body", header: map[string]string{"Content-Md5": value}, key: srv.AccessKey, secret: srv.Secret}.do(t, srv).want(t, 400, code)
	}
	raw{method: "PUT", path: "/bkt/k", body: "x", header: map[string]string{"X-Amz-Checksum-Xxhash64": "AAAAAAAAAAA="}, key: srv.AccessKey, secret: srv.Secret}.do(t, srv).want(t, 501, "NotImplemented")
}

// SPEC B12
func TestMultipart(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	c := owner(srv)
	one, two := randomBytes(store.MinPart), randomBytes(1000)
	whole := append(append([]byte{}, one...), two...)
	for _, c2 := range []struct{ algorithm, typ string }{
		{"", ""},
		{"CRC32", "FULL_OBJECT"},
		{"CRC32", "COMPOSITE"},
		{"CRC32C", "FULL_OBJECT"},
		{"CRC64NVME", "FULL_OBJECT"},
		{"SHA1", "COMPOSITE"},
		{"SHA256", "COMPOSITE"},
	} {
		t.Run(c2.algorithm+c2.typ, func(t *testing.T) {
			up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
				Bucket: aws.String("bkt"), Key: aws.String("k"), ContentType: aws.String("text/x"), Metadata: map[string]string{"a": "b"},
				ChecksumAlgorithm: types.ChecksumAlgorithm(c2.algorithm), ChecksumType: types.ChecksumType(c2.typ),
			}))
			var parts []types.CompletedPart
			for i, body := range [][]byte{one, two} {
				p := must[*s3.UploadPartOutput](t)(c.UploadPart(ctx, &s3.UploadPartInput{
					Bucket: aws.String("bkt"), Key: aws.String("k"), UploadId: up.UploadId, PartNumber: aws.Int32(int32(i + 1)), Body: bytes.NewReader(body),
					ChecksumAlgorithm: types.ChecksumAlgorithm(c2.algorithm),
				}))
				parts = append(parts, types.CompletedPart{
					PartNumber: aws.Int32(int32(i + 1)), ETag: p.ETag,
					ChecksumCRC32: p.ChecksumCRC32, ChecksumCRC32C: p.ChecksumCRC32C, ChecksumCRC64NVME: p.ChecksumCRC64NVME, ChecksumSHA1: p.ChecksumSHA1, ChecksumSHA256: p.ChecksumSHA256,
				})
			}
			list := must[*s3.ListPartsOutput](t)(c.ListParts(ctx, &s3.ListPartsInput{Bucket: aws.String("bkt"), Key: aws.String("k"), UploadId: up.UploadId}))
			if len(list.Parts) != 2 || *list.Parts[0].Size != store.MinPart || *list.Parts[1].ETag != *parts[1].ETag {
				t.Errorf("%+v", list.Parts)
			}
			uploads := must[*s3.ListMultipartUploadsOutput](t)(c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String("bkt")}))
			if len(uploads.Uploads) != 1 || *uploads.Uploads[0].UploadId != *up.UploadId {
				t.Errorf("%+v", uploads.Uploads)
			}
			in := &s3.CompleteMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("k"), UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}
			if c2.typ == "FULL_OBJECT" {
				value := sumOf(t, c2.algorithm, two)
				set := func(v string) {
					switch c2.algorithm {
					case "CRC32":
						in.ChecksumCRC32 = &v
					case "CRC32C":
						in.ChecksumCRC32C = &v
					default:
						in.ChecksumCRC64NVME = &v
					}
				}
				set(value)
				_, err := c.CompleteMultipartUpload(ctx, in)
				wantCode(t, err, "BadDigest")
				set(sumOf(t, c2.algorithm, whole))
			}
			for range 2 { // sent again after its answer got lost
				out := must[*s3.CompleteMultipartUploadOutput](t)(c.CompleteMultipartUpload(ctx, in))
				if !strings.HasSuffix(*out.ETag, `-2"`) {
					t.Error(*out.ETag)
				}
			}
			out := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled}))
			if got := must[[]byte](t)(io.ReadAll(out.Body)); !bytes.Equal(got, whole) || out.Metadata["a"] != "b" || *out.ContentType != "text/x" || string(out.ChecksumType) != c2.typ {
				t.Errorf("%d bytes, %+v", len(got), out)
			}
			part := raw{method: "GET", path: "/bkt/k?partNumber=2", key: srv.AccessKey, secret: srv.Secret}.do(t, srv)
			if part.status != 206 || part.body != string(two) || part.header.Get("X-Amz-Mp-Parts-Count") != "2" {
				t.Errorf("part 2: %d %v", part.status, part.header)
			}
			rng := raw{method: "GET", path: "/bkt/k", header: map[string]string{"Range": fmt.Sprintf("bytes=%d-%d", store.MinPart-3, store.MinPart+2)}, key: srv.AccessKey, secret: srv.Secret}.do(t, srv)
			if rng.body != string(whole[store.MinPart-3:store.MinPart+3]) {
				t.Error("a range over two parts holds other bytes")
			}
		})
	}
	up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("patched")}))
	src := "bkt/k"
	etag := must[*s3.HeadObjectOutput](t)(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k")})).ETag
	first := must[*s3.UploadPartCopyOutput](t)(c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: aws.String("bkt"), Key: aws.String("patched"), UploadId: up.UploadId, PartNumber: aws.Int32(1), CopySource: &src,
		CopySourceRange: aws.String(fmt.Sprintf("bytes=0-%d", store.MinPart-1)), CopySourceIfMatch: etag,
	}))
	_, err := c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: aws.String("bkt"), Key: aws.String("patched"), UploadId: up.UploadId, PartNumber: aws.Int32(1), CopySource: &src, CopySourceIfMatch: aws.String(`"x"`),
	})
	wantCode(t, err, "PreconditionFailed")
	second := must[*s3.UploadPartOutput](t)(c.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String("bkt"), Key: aws.String("patched"), UploadId: up.UploadId, PartNumber: aws.Int32(2), Body: strings.NewReader("tail")}))
	must[*s3.CompleteMultipartUploadOutput](t)(c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: aws.String("bkt"), Key: aws.String("patched"), UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{
			{PartNumber: aws.Int32(1), ETag: first.CopyPartResult.ETag}, {PartNumber: aws.Int32(2), ETag: second.ETag},
		}},
	}))
	if get(t, c, "bkt", "patched") != string(one)+"tail" {
		t.Error("the patched object holds other bytes")
	}
	up = must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("k")}))
	abort := &s3.AbortMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("k"), UploadId: up.UploadId}
	must[*s3.AbortMultipartUploadOutput](t)(c.AbortMultipartUpload(ctx, abort))
	_, err = c.AbortMultipartUpload(ctx, abort)
	wantCode(t, err, "NoSuchUpload")
}

// A body that breaks off, is short or is not what was signed leaves the old object. SPEC B7
func TestBrokenBodies(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	c := owner(srv)
	put(t, c, "bkt", "k", "old")
	must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("streamed"), Body: bytes.NewReader(randomBytes(200_000))}))
	r := raw{method: "PUT", path: "/bkt/k", key: srv.AccessKey, secret: srv.Secret, payload: "UNSIGNED-PAYLOAD"}.request(t, srv)
	r.Body, r.ContentLength = io.NopCloser(stream{io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), breaking{})}), 2<<20
	if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
		resp.Body.Close()
		t.Errorf("a body that broke off: %s", resp.Status)
	}
	for _, payload := range []string{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"} {
		raw{
			method: "PUT", path: "/bkt/k", key: srv.AccessKey, secret: srv.Secret, payload: payload, body: "4\r\nabc",
			header: map[string]string{"X-Amz-Decoded-Content-Length": "4"},
		}.do(t, srv).want(t, map[bool]int{true: 403, false: 400}[strings.Contains(payload, "AWS4")], map[bool]string{true: "SignatureDoesNotMatch", false: "IncompleteBody"}[strings.Contains(payload, "AWS4")])
	}
	raw{method: "PUT", path: "/bkt/k", key: srv.AccessKey, secret: srv.Secret, payload: "STREAMING-UNSIGNED-PAYLOAD-TRAILER", body: "0\r\n\r\n"}.do(t, srv).want(t, 411, "MissingContentLength")
	raw{
		method: "PUT", path: "/bkt/k", key: srv.AccessKey, secret: srv.Secret, payload: "STREAMING-UNSIGNED-PAYLOAD-TRAILER", body: "1\r\nx\r\n0\r\n\r\n",
		header: map[string]string{"X-Amz-Decoded-Content-Length": "3"},
	}.do(t, srv).want(t, 400, "IncompleteBody")
	if get(t, c, "bkt", "k") != "old" {
		t.Error("the old object is gone")
	}
	u, err := srv.Store.Usage(ctx)
	if err != nil || u.Bytes != 200_003 {
		t.Errorf("%+v %v", u, err)
	}
}

type breaking struct{}

func (breaking) Read([]byte) (int, error) { return 0, fmt.Errorf("the client died") }

// A body signed chunk by chunk, with a key derived as the client derives it. SPEC B6
func TestSignedChunks(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	at := time.Now().UTC()
	q := raw{
		method: "PUT", path: "/bkt/k", key: srv.AccessKey, secret: srv.Secret, at: at, payload: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
		header: map[string]string{"X-Amz-Decoded-Content-Length": "11", "Content-Encoding": "aws-chunked"},
	}
	for name, c := range map[string]struct {
		tamper string
		status int
		code   string
	}{"whole": {"", 200, ""}, "changed": {"W", 403, "SignatureDoesNotMatch"}} {
		t.Run(name, func(t *testing.T) {
			r := q.request(t, srv)
			_, previous, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			key := sigv4.Key(srv.Secret, at.Format("20060102"), "us-east-1", "s3")
			var body strings.Builder
			for _, chunk := range []string{"hello ", "world", ""} {
				sum := sha256.Sum256([]byte(chunk))
				mac := hmac.New(sha256.New, key)
				fmt.Fprintf(mac, "AWS4-HMAC-SHA256-PAYLOAD\n%s\n%s/us-east-1/s3/aws4_request\n%s\n%s\n%x",
					at.Format("20060102T150405Z"), at.Format("20060102"), previous, sigv4.EmptyPayload, sum)
				previous = hex.EncodeToString(mac.Sum(nil))
				fmt.Fprintf(&body, "%x;chunk-signature=%s\r\n%s\r\n", len(chunk), previous, chunk)
			}
			sent := body.String()
			if c.tamper != "" {
				sent = strings.Replace(sent, "w", c.tamper, 1)
			}
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(sent)), int64(len(sent))
			send(t, r).want(t, c.status, c.code)
		})
	}
	if got := get(t, owner(srv), "bkt", "k"); got != "hello world" {
		t.Errorf("%q", got)
	}
}
