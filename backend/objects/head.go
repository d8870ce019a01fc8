package objects

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// Info is all that a store tells of an object.
type Info struct {
	Object
	FileTime     time.Time         `json:"file_time,omitzero"` // of the file it was made of
	ContentType  string            `json:"content_type,omitempty"`
	CacheControl string            `json:"cache_control,omitempty"`
	Encoding     string            `json:"content_encoding,omitempty"`
	Disposition  string            `json:"content_disposition,omitempty"`
	Language     string            `json:"content_language,omitempty"`
	StorageClass string            `json:"storage_class,omitempty"`
	Encryption   string            `json:"encryption,omitempty"`
	Metadata     map[string]string `json:"metadata"`
	Tags         map[string]string `json:"tags,omitempty"`
	Checksums    map[string]string `json:"checksums"`         // by algorithm, in base64
	Whole        bool              `json:"checksum_of_whole"` // not of the parts' checksums
	Parts        int               `json:"parts,omitempty"`   // it was uploaded in
	tagged       int32
}

// Head looks one object up.
func (s *Store) Head(ctx context.Context, key string) (Info, error) {
	var out *s3.HeadObjectOutput
	err := s.try(ctx, "look up", key, func(ctx context.Context, _ int) (err error) {
		call, cancel := s.bounded(ctx)
		defer cancel()
		out, err = s.Client.S3().HeadObject(call, &s3.HeadObjectInput{Bucket: &s.Bucket, Key: s.full(key), ChecksumMode: types.ChecksumModeEnabled})
		if err == nil {
			err = remote.Stored(out.ETag)
		}
		return err
	})
	if err != nil {
		return Info{}, err
	}
	i := Info{
		Object:      Object{Key: key, Size: aws.ToInt64(out.ContentLength), Modified: aws.ToTime(out.LastModified), ETag: unquote(out.ETag)},
		ContentType: aws.ToString(out.ContentType), CacheControl: aws.ToString(out.CacheControl), Encoding: aws.ToString(out.ContentEncoding),
		Disposition: aws.ToString(out.ContentDisposition), Language: aws.ToString(out.ContentLanguage),
		StorageClass: string(out.StorageClass), Encryption: string(out.ServerSideEncryption), Metadata: out.Metadata,
		Checksums: checksums(out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256),
		tagged:    aws.ToInt32(out.TagCount),
	}
	i.describe(out.ChecksumType)
	return i, nil
}

func (i *Info) describe(typ types.ChecksumType) {
	if i.Metadata == nil {
		i.Metadata = map[string]string{}
	}
	i.FileTime = fileTime(i.Metadata)
	_, parts, _ := strings.Cut(i.ETag, "-")
	i.Parts, _ = strconv.Atoi(parts)
	i.Whole = len(i.Checksums) > 0 && typ != types.ChecksumTypeComposite
	for _, v := range i.Checksums {
		i.Whole = i.Whole && !strings.Contains(v, "-")
	}
}

func checksums(crc32, crc32c, crc64, sha1, sha256 *string) map[string]string {
	m := map[string]string{}
	for name, v := range map[string]*string{sumCRC32: crc32, sumCRC32C: crc32c, sumCRC64: crc64, sumSHA1: sha1, sumSHA256: sha256} {
		if aws.ToString(v) != "" {
			m[name] = *v
		}
	}
	return m
}

// Look is Head, and the object's tags.
func (s *Store) Look(ctx context.Context, key string) (Info, error) {
	i, err := s.Head(ctx, key)
	if err != nil {
		return i, err
	}
	i.Tags, err = s.tags(ctx, key)
	if fault.Is(err, fault.Auth) || fault.Is(err, fault.Failure) || fault.Is(err, fault.NotFound) {
		err = nil // who may read an object may not always read its tags, and not each store has them
	}
	return i, err
}

func (s *Store) tags(ctx context.Context, key string) (map[string]string, error) {
	var out *s3.GetObjectTaggingOutput
	err := s.try(ctx, "read the tags of", key, func(ctx context.Context, _ int) (err error) {
		call, cancel := s.bounded(ctx)
		defer cancel()
		out, err = s.Client.S3().GetObjectTagging(call, &s3.GetObjectTaggingInput{Bucket: &s.Bucket, Key: s.full(key)})
		if remote.StatusOf(err) == http.StatusNotImplemented {
			out, err = &s3.GetObjectTaggingOutput{}, nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, t := range out.TagSet {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

// Read returns up to n bytes at off: for a preview. Past the end there are none.
func (s *Store) Read(ctx context.Context, key string, off, n int64) (b []byte, info Object, err error) {
	if n <= 0 {
		i, err := s.Head(ctx, key)
		return nil, i.Object, err
	}
	err = s.try(ctx, "read", key, func(ctx context.Context, _ int) error {
		call, cancel := s.bounded(ctx)
		defer cancel()
		out, err := s.Client.S3().GetObject(call, &s3.GetObjectInput{
			Bucket: &s.Bucket, Key: s.full(key), Range: aws.String("bytes=" + strconv.FormatInt(off, 10) + "-" + strconv.FormatInt(off+n-1, 10)),
		})
		if err != nil {
			return err
		}
		defer out.Body.Close()
		if err := remote.Stored(out.ETag); err != nil {
			return err
		}
		info = Object{Key: key, Size: aws.ToInt64(out.ContentLength), Modified: aws.ToTime(out.LastModified), ETag: unquote(out.ETag)}
		if _, total, ok := strings.Cut(aws.ToString(out.ContentRange), "/"); ok {
			info.Size, _ = strconv.ParseInt(total, 10, 64)
		} else if off > 0 {
			if _, err := io.CopyN(io.Discard, out.Body, off); err != nil { // the store knows no ranges
				return err
			}
		}
		b, err = io.ReadAll(io.LimitReader(out.Body, n))
		return err
	})
	if errors.Is(err, errChanged) { // off is past the end
		i, err := s.Head(ctx, key)
		return nil, i.Object, err
	}
	return b, info, err
}

// mtimeKey is the user metadata that holds a file's time, as rclone and mounts write it:
// seconds with decimals.
const mtimeKey = "mtime"

func fileTime(metadata map[string]string) time.Time {
	seconds, decimals, _ := strings.Cut(metadata[mtimeKey], ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	ns, _ := strconv.ParseInt((decimals + "000000000")[:9], 10, 64)
	return time.Unix(s, ns)
}

func mtimeText(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10) + "." + strconv.FormatInt(1_000_000_000+int64(t.Nanosecond()), 10)[1:]
}
