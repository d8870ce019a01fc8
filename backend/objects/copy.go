package objects

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/encoding/httpbinding"
	"golang.org/x/sync/errgroup"

	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// Of copies.
const (
	singleCopy = 5 << 30   // the largest object that one COPY takes
	copyPart   = 512 << 20 // of larger ones
	copyBound  = 10 * time.Minute
)

// near reports whether the server itself can copy from one to the other.
func (s *Store) near(from *Store) bool { return s.Account == from.Account }

// copyNear has the server copy from's object, with all it has, where that is still the one of etag.
func (s *Store) copyNear(ctx context.Context, from *Store, src Object, key string, c condition) (Object, error) {
	if src.Size > singleCopy {
		return s.copyParts(ctx, from, src, key, c)
	}
	o := Object{Key: key, Size: src.Size}
	err := s.try(ctx, "copy", src.Key, func(ctx context.Context, _ int) error {
		call, cancel := context.WithTimeout(ctx, copyBound)
		defer cancel()
		in := &s3.CopyObjectInput{Bucket: &s.Bucket, Key: s.full(key), CopySource: from.copySource(src.Key), CopySourceIfMatch: quote(src.ETag)}
		if !s.simple.Load() {
			in.IfMatch = quote(c.ifMatch)
			if c.ifAbsent {
				in.IfNoneMatch = aws.String("*")
			}
		}
		out, err := s.Client.S3().CopyObject(call, in)
		if remote.StatusOf(err) == 501 && (in.IfMatch != nil || in.IfNoneMatch != nil) {
			s.simple.Store(true)
			in.IfMatch, in.IfNoneMatch = nil, nil
			out, err = s.Client.S3().CopyObject(call, in)
		}
		if err != nil {
			return err
		}
		if out.CopyObjectResult == nil {
			out.CopyObjectResult = &types.CopyObjectResult{}
		}
		o.ETag = unquote(out.CopyObjectResult.ETag)
		return remote.Stored(out.CopyObjectResult.ETag)
	})
	return o, err
}

// copySource is bucket/key, escaped as the header wants it.
func (s *Store) copySource(key string) *string {
	return aws.String(httpbinding.EscapePath(s.Bucket+"/"+s.Prefix+key, false))
}

func (s *Store) copyParts(ctx context.Context, from *Store, src Object, key string, c condition) (Object, error) {
	info, err := from.Head(ctx, src.Key)
	if err != nil {
		return Object{}, err
	}
	a, err := from.everything(ctx, info)
	if err != nil {
		return Object{}, err
	}
	u, err := s.begin(ctx, key, a)
	if err != nil {
		return Object{}, err
	}
	u.sums = noSums // stores tell other sums for parts that they copied
	parts := make([]part, (src.Size+copyPart-1)/copyPart)
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(partsAFile)
	for i := range parts {
		group.Go(func() error {
			off := int64(i) * copyPart
			parts[i] = part{number: int32(i + 1), size: min(copyPart, src.Size-off)}
			return s.try(inner, "copy", src.Key, func(ctx context.Context, _ int) error {
				call, cancel := context.WithTimeout(ctx, copyBound)
				defer cancel()
				out, err := s.Client.S3().UploadPartCopy(call, &s3.UploadPartCopyInput{
					Bucket: &s.Bucket, Key: s.full(key), UploadId: &u.id, PartNumber: &parts[i].number,
					CopySource: from.copySource(src.Key), CopySourceIfMatch: quote(src.ETag), CopySourceRange: byteRange(off, parts[i].size),
				})
				if err != nil {
					return err
				}
				if out.CopyPartResult == nil {
					out.CopyPartResult = &types.CopyPartResult{}
				}
				parts[i].etag = unquote(out.CopyPartResult.ETag)
				return remote.Stored(out.CopyPartResult.ETag)
			})
		})
	}
	err = group.Wait()
	var o Object
	if err == nil {
		o, err = u.complete(ctx, parts, input{condition: c})
	}
	if err != nil {
		_ = u.abort(ctx)
	}
	return o, err
}

// everything is what an object has beside its bytes, its tags too.
func (s *Store) everything(ctx context.Context, i Info) (attributes, error) {
	a := i.attributes()
	if i.tagged == 0 {
		return a, nil
	}
	tags, err := s.tags(ctx, i.Key)
	q := url.Values{}
	for k, v := range tags {
		q.Set(k, v)
	}
	a.tagging = q.Encode()
	return a, err
}

// copyFar sends another store's object through this process, verified on both ways.
func (s *Store) copyFar(ctx context.Context, from *Store, src Object, key string, c condition, moved func(int64)) (Object, error) {
	info, err := from.Head(ctx, src.Key)
	if err != nil {
		return Object{}, err
	}
	a, err := from.everything(ctx, info)
	if err != nil {
		return Object{}, err
	}
	in := input{size: info.Size, attributes: a, condition: c, moved: moved}
	if info.Size > singlePut {
		return s.putFar(ctx, key, in, from, info)
	}
	var b bytes.Buffer
	if _, _, err := from.fetch(ctx, &b, src.Key, info.ETag, func(int64) {}); err != nil {
		return Object{}, err
	}
	in.body = readerAt(b.Bytes())
	return s.put(ctx, key, in)
}

// putFar streams the ranges of an object as parts, and verifies that they add up to it.
func (s *Store) putFar(ctx context.Context, key string, in input, from *Store, info Info) (Object, error) {
	u, err := s.begin(ctx, key, in.attributes)
	if err != nil {
		return Object{}, err
	}
	length := partLength(in.size)
	parts := make([]part, (in.size+length-1)/length)
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(streamed)
	for i := range parts {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			off := int64(i) * length
			parts[i] = part{number: int32(i + 1), size: min(length, in.size-off)}
			b := bytes.NewBuffer(make([]byte, 0, parts[i].size))
			if err := from.copyTo(inner, b, info.Key, info.ETag, off, parts[i].size, func(int64) {}, nil); err != nil {
				return err
			}
			parts[i].crc = crcOf(b.Bytes())
			return u.send(inner, &parts[i], newBytes(b.Bytes()), in.moved)
		})
	}
	err = group.Wait()
	if err == nil {
		err = ctx.Err()
	}
	if p := info.proof(); err == nil && p.algorithm == sumCRC32C {
		sum := parts[0].crc
		for _, next := range parts[1:] {
			sum = combine(sum, next.crc, next.size)
		}
		err = p.compare(from.Place(info.Key), encodeSum(sum))
	}
	var o Object
	if err == nil {
		o, err = u.complete(ctx, parts, in)
	}
	if err != nil {
		_ = u.abort(ctx)
	}
	return o, err
}

func byteRange(off, n int64) *string { return aws.String(fmt.Sprintf("bytes=%d-%d", off, off+n-1)) }
