package objects

import (
	"context"
	"crypto/md5" //nolint:gosec // ETags are MD5
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithy "github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// How a store sums an upload in parts.
const (
	wholeSum = "whole" // CRC-32C of all bytes, which it verifies at the end
	partSums = "parts" // of each part
	noSums   = ""
)

// upload is one in parts, under way.
type upload struct {
	s    *Store
	key  string
	id   string
	sums string
}

// part is one that the store has.
type part struct {
	number int32
	size   int64
	etag   string
	crc    uint32
}

// begin starts an upload, with the best checksum that the store knows.
func (s *Store) begin(ctx context.Context, key string, a attributes) (*upload, error) {
	u := &upload{s: s, key: key}
	err := s.try(ctx, "upload", key, func(ctx context.Context, _ int) error {
		for {
			in := &s3.CreateMultipartUploadInput{
				Bucket: &s.Bucket, Key: s.full(key), ContentType: text(a.contentType), CacheControl: text(a.cacheControl), ContentEncoding: text(a.encoding),
				ContentDisposition: text(a.disposition), ContentLanguage: text(a.language), Metadata: a.metadata, Tagging: text(a.tagging),
			}
			if !s.unsummed.Load() {
				in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32c
				if !s.parted.Load() {
					in.ChecksumType = types.ChecksumTypeFullObject
				}
			}
			// Whoever cancels now still has to learn the upload's id, to give it up.
			call, cancel := s.bounded(context.WithoutCancel(ctx))
			out, err := s.Client.S3().CreateMultipartUpload(call, in)
			cancel()
			if refusesSums(err) && in.ChecksumAlgorithm != "" {
				if in.ChecksumType != "" {
					s.parted.Store(true)
				} else {
					s.unsummed.Store(true)
				}
				continue
			}
			if err != nil {
				return err
			}
			if err := remote.Stored(out.UploadId); err != nil {
				return err
			}
			u.id, u.sums = *out.UploadId, noSums
			if out.ChecksumAlgorithm == types.ChecksumAlgorithmCrc32c {
				if u.sums = partSums; out.ChecksumType == types.ChecksumTypeFullObject {
					u.sums = wholeSum
				}
			}
			return nil
		}
	})
	return u, err
}

func refusesSums(err error) bool {
	var api smithy.APIError
	status := remote.StatusOf(err)
	return status == http.StatusNotImplemented ||
		status == http.StatusBadRequest && errors.As(err, &api) && (api.ErrorCode() == "InvalidRequest" || api.ErrorCode() == "InvalidArgument")
}

// putParts sends the parts beside each other.
func (s *Store) putParts(ctx context.Context, key string, in input) (o Object, err error) {
	length := partLength(in.size)
	r := s.resumption(key, in)
	defer r.close()
	u, have := r.find(ctx, s, length)
	if u == nil {
		if u, err = s.begin(ctx, key, in.attributes); err != nil {
			return o, err
		}
		r.keep(u, length)
	}
	parts := make([]part, (in.size+length-1)/length)
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(partsAFile)
	for i := range parts {
		if inner.Err() != nil {
			break
		}
		group.Go(func() (err error) {
			off := int64(i) * length
			p := part{number: int32(i + 1), size: min(length, in.size-off)}
			if p.crc, err = sumOf(in.body, off, p.size); err != nil {
				return err
			}
			if there, ok := have[p.number]; ok && there.size == p.size && there.matches(in.body, off, p) {
				p.etag = unquote(there.etag)
				in.moved(p.size)
			} else if err = u.send(inner, &p, io.NewSectionReader(in.body, off, p.size), in.moved); err != nil {
				return err
			}
			parts[i] = p
			return nil
		})
	}
	if err = group.Wait(); err == nil {
		err = ctx.Err()
	}
	if err == nil && in.unchanged != nil {
		err = in.unchanged()
	}
	if err == nil {
		o, err = u.complete(ctx, parts, in)
	}
	switch {
	case err == nil:
		r.forget()
	case fault.Is(err, fault.Unreachable) && r.kept() && ctx.Err() == nil: // to go on with later
	default:
		if u.abort(ctx) == nil {
			r.forget()
		}
	}
	return o, err
}

// listedPart is a part as the store lists it.
type listedPart struct {
	size int64
	etag *string
	crc  string
}

// matches reports whether the store's part has the bytes at off, whose CRC-32C p has.
func (l listedPart) matches(r io.ReaderAt, off int64, p part) bool {
	if l.crc != "" {
		return l.crc == encodeSum(p.crc)
	}
	h := md5.New() //nolint:gosec // ETags are MD5
	_, err := io.Copy(h, io.NewSectionReader(r, off, p.size))
	return err == nil && hex.EncodeToString(h.Sum(nil)) == unquote(l.etag)
}

// send uploads a part and notes its ETag in p.
func (u *upload) send(ctx context.Context, p *part, body io.ReadSeeker, moved func(int64)) error {
	return u.s.try(ctx, "upload", u.key, func(ctx context.Context, _ int) error {
		if _, err := body.Seek(0, io.SeekStart); err != nil {
			return err
		}
		call, verdict, end, err := u.s.sending(ctx, p.size, moved)
		if err != nil {
			return err
		}
		in := &s3.UploadPartInput{
			Bucket: &u.s.Bucket, Key: u.s.full(u.key), UploadId: &u.id, PartNumber: &p.number, Body: body, ContentLength: &p.size,
		}
		if u.sums != noSums {
			in.ChecksumCRC32C = aws.String(encodeSum(p.crc))
		}
		out, err := u.s.Client.S3().UploadPart(call, in, u.s.Client.Unsigned(u.sums != noSums))
		if err == nil {
			err = remote.Stored(out.ETag)
		}
		err = verdict(err)
		end(err == nil)
		if err == nil {
			p.etag = unquote(out.ETag)
		}
		return err
	})
}

// complete makes the object of the parts.
func (u *upload) complete(ctx context.Context, parts []part, in input) (Object, error) {
	req := &s3.CompleteMultipartUploadInput{Bucket: &u.s.Bucket, Key: u.s.full(u.key), UploadId: &u.id, MultipartUpload: &types.CompletedMultipartUpload{}}
	var size int64
	var crc uint32
	tags, plain := md5.New(), true //nolint:gosec // ETags are MD5
	for i := range parts {
		p := &parts[i]
		done := types.CompletedPart{PartNumber: &p.number, ETag: quote(p.etag)}
		if u.sums != noSums {
			done.ChecksumCRC32C = aws.String(encodeSum(p.crc))
		}
		req.MultipartUpload.Parts = append(req.MultipartUpload.Parts, done)
		if i == 0 {
			crc = p.crc
		} else {
			crc = combine(crc, p.crc, p.size)
		}
		size += p.size
		sum, err := hex.DecodeString(p.etag)
		plain = plain && err == nil && len(sum) == md5.Size
		tags.Write(sum)
	}
	if u.sums == wholeSum {
		req.ChecksumCRC32C, req.ChecksumType, req.MpuObjectSize = aws.String(encodeSum(crc)), types.ChecksumTypeFullObject, &size
	}
	if !u.s.simple.Load() {
		req.IfMatch = quote(in.ifMatch)
		if in.ifAbsent {
			req.IfNoneMatch = aws.String("*")
		}
	}
	var etag string
	err := u.s.try(ctx, "upload", u.key, func(ctx context.Context, n int) error {
		call, cancel := context.WithTimeout(ctx, 10*time.Minute) // the server may copy all of it
		defer cancel()
		out, err := u.s.Client.S3().CompleteMultipartUpload(call, req)
		if err == nil {
			err = remote.Stored(out.ETag)
		}
		if err == nil {
			etag = unquote(out.ETag)
			return nil
		}
		if remote.StatusOf(err) == http.StatusNotImplemented && (req.IfMatch != nil || req.IfNoneMatch != nil) {
			u.s.simple.Store(true)
			req.IfMatch, req.IfNoneMatch = nil, nil
			return fault.New(fault.Unreachable, "", "the store knows no conditional writes")
		}
		var api smithy.APIError
		gone := errors.As(err, &api) && api.ErrorCode() == "NoSuchUpload" || remote.StatusOf(err) == http.StatusPreconditionFailed
		if n > 0 && gone && plain { // it may have been answered into nothing
			want := fmt.Sprintf("%x-%d", tags.Sum(nil), len(parts))
			if i, herr := u.s.Head(ctx, u.key); herr == nil && i.Size == size && i.ETag == want {
				etag = i.ETag
				return nil
			}
		}
		return err
	})
	return Object{Key: u.key, Size: size, ETag: etag}, err
}

// abort frees the parts, cancelled or not.
func (u *upload) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	return u.s.try(ctx, "give up the upload of", u.key, func(ctx context.Context, _ int) error {
		_, err := u.s.Client.S3().AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
			Bucket: &u.s.Bucket, Key: u.s.full(u.key), UploadId: &u.id,
		})
		var api smithy.APIError
		if errors.As(err, &api) && api.ErrorCode() == "NoSuchUpload" {
			return nil
		}
		return err
	})
}

// putStream stores what r has until its end.
func (s *Store) putStream(ctx context.Context, key string, r io.Reader, in input) (Object, error) {
	first := make([]byte, singlePut)
	n, err := io.ReadFull(r, first)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		in.body, in.size = readerAt(first[:n]), int64(n)
		return s.put(ctx, key, in)
	}
	if err != nil {
		return Object{}, err
	}
	u, err := s.begin(ctx, key, in.attributes)
	if err != nil {
		return Object{}, err
	}
	parts, err := u.stream(ctx, first, r, in.moved)
	var o Object
	if err == nil {
		o, err = u.complete(ctx, parts, in)
	}
	if err != nil {
		_ = u.abort(ctx)
	}
	return o, err
}

// streamed bounds the parts of a stream in memory.
const streamed = 4

// stream sends first and what r still has as parts.
func (u *upload) stream(ctx context.Context, first []byte, r io.Reader, moved func(int64)) (parts []part, err error) {
	group, inner := errgroup.WithContext(ctx)
	free := make(chan []byte, streamed)
	for range streamed - 1 {
		free <- nil
	}
	done := map[int32]*part{}
	for piece, number := first, int32(1); len(piece) > 0; number++ {
		if number > maxParts {
			err = fault.New(fault.Usage, "write it to a file first", "upload %s: a stream of more than %d GiB", u.s.Place(u.key), int64(maxParts)*partSize>>30)
			break
		}
		p := &part{number: number, size: int64(len(piece)), crc: crcOf(piece)}
		done[number] = p
		buffer := piece
		group.Go(func() error {
			defer func() { free <- buffer[:cap(buffer)] }()
			return u.send(inner, p, newBytes(buffer), moved)
		})
		var next []byte
		select {
		case next = <-free:
		case <-inner.Done():
		}
		if inner.Err() != nil {
			break
		}
		if next == nil {
			next = make([]byte, partSize)
		}
		n, rerr := io.ReadFull(r, next)
		if rerr != nil && rerr != io.EOF && rerr != io.ErrUnexpectedEOF {
			err = rerr
			break
		}
		piece = next[:n]
	}
	if werr := group.Wait(); werr != nil {
		return nil, werr
	}
	for number := int32(1); int(number) <= len(done); number++ {
		parts = append(parts, *done[number])
	}
	return parts, errors.Join(err, ctx.Err())
}
