package objects

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Hints say what to do about a Store's failures; the Client under it is made with them.
var Hints = remote.Hints{
	Keys:        "check the credentials, and what they may do in this bucket; 'artifacts storage explain' tells which are used",
	Region:      "give the workspace its bucket's region, or set ARTIFACTS_S3_REGION",
	Bucket:      "'artifacts bucket list' shows the buckets; a local path is written ./FILE",
	Reach:       "check the endpoint and the network, and run it again: what has arrived is not sent twice",
	Certificate: "if the coordinator's admin has renewed it, 'artifacts login URL --fingerprint NEW'",
	Quota:       "delete what is not needed, or have the quota raised",
}

// Options make a Store.
type Options struct {
	Client   *remote.Client // made with Hints and without a prefix of its own
	Name     Name           // of the bucket or workspace; its path is not read
	Bucket   string
	Prefix   string // of the workspace; ends in "/" where not empty
	Location string // the endpoint, whoever asks it
	// Account tells one endpoint with one pair from another, so that the server copies
	// what stays there.
	Account string
	// Conditional: deletions with If-Match are known to be refused where it does not match.
	Conditional bool
	// Renew has the client sign with a new pair where the former is about to end; may be nil.
	Renew func(context.Context) error
}

// Store is a bucket, or a workspace in one. It is safe for concurrent use.
type Store struct {
	Options
	verifies atomic.Bool // the store verifies CRC-32C in headers
	unsummed atomic.Bool // it refuses checksums
	parted   atomic.Bool // it sums parts alone, not the whole of an upload in parts
	simple   atomic.Bool // it refuses conditional writes
}

// NewStore sends nothing.
func NewStore(opt Options) *Store { return &Store{Options: opt} }

// Close drops the idle connections.
func (s *Store) Close() { s.Client.Close() }

// Object is what a listing tells. Of a common prefix there are the key, which ends in "/", and
// Prefix.
type Object struct {
	Key      string    `json:"key"` // within the store: without the workspace's prefix
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified,omitzero"`
	ETag     string    `json:"etag,omitempty"` // without quotes
	Prefix   bool      `json:"prefix,omitempty"`
}

// Place is the object's as Parse reads it.
func (s *Store) Place(key string) string { return s.Name.At(key).String() }

func (s *Store) full(key string) *string { return aws.String(s.Prefix + key) }

// Of requests that are tried again: those that got no answer, or one that the store is broken
// or overloaded.
const (
	tries      = 5
	firstPause = 100 * time.Millisecond
	renewAhead = time.Minute // before a pair ends
)

// try runs call until it succeeds or fails in a way that another try cannot mend. call gets
// the number of the try, from 0.
func (s *Store) try(ctx context.Context, op, key string, call func(ctx context.Context, n int) error) error {
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.fresh(ctx); err != nil {
			return err
		}
		err := s.Client.Outcome(ctx, op, s.Place(key), call(ctx, n))
		if err == nil || n == tries-1 || !fault.Is(err, fault.Unreachable) {
			return s.verdict(err)
		}
		pause := firstPause << n
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// fresh has the pair renewed that is about to end.
func (s *Store) fresh(ctx context.Context) error {
	if end := s.Client.Expires(); s.Renew != nil && Ending(end) {
		return s.Renew(ctx)
	}
	return nil
}

// Ending reports whether a pair that ends then is to be renewed now.
func Ending(end time.Time) bool { return !end.IsZero() && time.Until(end) < renewAhead }

// errChanged is in the fault of an object that is not the one that was looked at.
var errChanged = errors.New("the object has changed")

// errMissing is in the fault of an object that is not there.
var errMissing = errors.New("no such object")

func (s *Store) verdict(err error) error {
	switch {
	case errors.Is(err, upper.ErrNoObject):
		f := fault.New(fault.NotFound, "'artifacts object list' shows what is there", "%s", strings.TrimSuffix(err.Error(), ": "+upper.ErrNoObject.Error())+": there is no such object")
		f.Err = errMissing
		return f
	case errors.Is(err, upper.ErrChanged):
		f := fault.New(fault.Conflict, "somebody else writes there too; look at it, and run it again", "%s", strings.TrimSuffix(err.Error(), ": "+upper.ErrChanged.Error())+": the object is there, or has changed meanwhile")
		f.Err = errChanged
		return f
	}
	return err
}

// bounded is the context of a request without a body worth mention.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.Client.Timeout())
}

// List calls page with each page of the keys that begin with prefix, in the order of their
// bytes, as soon as it arrives. With a delimiter what lies below one is a prefix. An error of
// page ends it.
func (s *Store) List(ctx context.Context, prefix, delimiter string, page func([]Object) error) error {
	in := &s3.ListObjectsV2Input{Bucket: &s.Bucket, Prefix: s.full(prefix), EncodingType: types.EncodingTypeUrl}
	if delimiter != "" {
		in.Delimiter = &delimiter
	}
	for {
		var out *s3.ListObjectsV2Output
		err := s.try(ctx, "list", prefix, func(ctx context.Context, _ int) (err error) {
			call, cancel := s.bounded(ctx)
			defer cancel()
			if out, err = s.Client.S3().ListObjectsV2(call, in); err == nil {
				err = remote.Listing(out)
			}
			return err
		})
		if err != nil {
			return err
		}
		objects, err := s.objects(out)
		if err != nil {
			return err
		}
		if len(objects) > 0 {
			if err := page(objects); err != nil {
				return err
			}
		}
		if !aws.ToBool(out.IsTruncated) || aws.ToString(out.NextContinuationToken) == "" {
			return nil
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}

// objects merges a page's keys and prefixes. Attribute sheets of mounts are left out of
// workspaces, as mounts do.
func (s *Store) objects(page *s3.ListObjectsV2Output) ([]Object, error) {
	key := func(listed *string) (string, error) {
		text := aws.ToString(listed)
		if page.EncodingType == types.EncodingTypeUrl {
			var err error
			if text, err = url.QueryUnescape(text); err != nil {
				return "", fault.New(fault.Failure, "", "list: the store encodes a key in a way that is not URL encoding")
			}
		}
		return strings.TrimPrefix(text, s.Prefix), nil
	}
	list := make([]Object, 0, len(page.Contents)+len(page.CommonPrefixes))
	prefixes := page.CommonPrefixes
	takePrefix := func() error {
		k, err := key(prefixes[0].Prefix)
		list = append(list, Object{Key: k, Prefix: true})
		prefixes = prefixes[1:]
		return err
	}
	for _, item := range page.Contents {
		k, err := key(item.Key)
		if err != nil {
			return nil, err
		}
		for len(prefixes) > 0 {
			if p, err := key(prefixes[0].Prefix); err != nil || p > k {
				break
			}
			if err := takePrefix(); err != nil {
				return nil, err
			}
		}
		if k == "" || s.Name.Kind == Workspace && base(k) == upper.SheetName {
			continue
		}
		list = append(list, Object{
			Key: k, Size: aws.ToInt64(item.Size), Modified: aws.ToTime(item.LastModified),
			ETag: unquote(item.ETag),
		})
	}
	for len(prefixes) > 0 {
		if err := takePrefix(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func unquote(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }

func quote(etag string) *string {
	if etag == "" {
		return nil
	}
	return aws.String(`"` + etag + `"`)
}

// Delete deletes keys, as many as there are; that one is not there is no error. failed is told
// of each that could not be deleted.
func (s *Store) Delete(ctx context.Context, keys []string, failed func(key string, err error)) error {
	const atOnce = 1000 // https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
	for len(keys) > 0 {
		n := min(len(keys), atOnce)
		if err := s.deleteSome(ctx, keys[:n], failed); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func (s *Store) deleteSome(ctx context.Context, keys []string, failed func(key string, err error)) error {
	in := &s3.DeleteObjectsInput{Bucket: &s.Bucket, Delete: &types.Delete{Quiet: aws.Bool(true)}}
	for _, k := range keys {
		if strings.ContainsFunc(k, func(r rune) bool { return r < ' ' || r == '\uFFFE' || r == '\uFFFF' || r == '\uFFFD' }) || len(keys) == 1 {
			// XML cannot hold such a key; and one key is a request of its own.
			if err := s.DeleteOne(ctx, k, ""); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				failed(k, err)
			}
			continue
		}
		in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: s.full(k)})
	}
	if len(in.Delete.Objects) == 0 {
		return nil
	}
	var out *s3.DeleteObjectsOutput
	err := s.try(ctx, "delete from", "", func(ctx context.Context, _ int) (err error) {
		call, cancel := context.WithTimeout(ctx, max(s.Client.Timeout(), time.Minute))
		defer cancel()
		out, err = s.Client.S3().DeleteObjects(call, in)
		return err
	})
	if err != nil {
		return err
	}
	for _, e := range out.Errors {
		key := strings.TrimPrefix(aws.ToString(e.Key), s.Prefix)
		kind := fault.Failure
		if aws.ToString(e.Code) == "AccessDenied" {
			kind = fault.Auth
		}
		failed(key, fault.New(kind, Hints.Keys, "delete %s: the store refused (%s: %s)", s.Place(key), aws.ToString(e.Code), aws.ToString(e.Message)))
	}
	return nil
}

// DeleteOne deletes a key, only while it has etag where one is given.
func (s *Store) DeleteOne(ctx context.Context, key, etag string) error {
	err := s.try(ctx, "delete", key, func(ctx context.Context, _ int) error {
		call, cancel := s.bounded(ctx)
		defer cancel()
		in := &s3.DeleteObjectInput{Bucket: &s.Bucket, Key: s.full(key)}
		if !s.simple.Load() {
			in.IfMatch = quote(etag)
		}
		_, err := s.Client.S3().DeleteObject(call, in)
		if in.IfMatch != nil && remote.StatusOf(err) == 501 {
			s.simple.Store(true)
			in.IfMatch = nil
			_, err = s.Client.S3().DeleteObject(call, in)
		}
		return err
	})
	if errors.Is(err, errMissing) {
		return nil
	}
	return err
}
