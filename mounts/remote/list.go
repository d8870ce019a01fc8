package remote

import (
	"context"
	"errors"
	"net/url"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// nameMax is the longest name that Linux shows, in bytes.
const nameMax = 255

// Check asks for one key, so that wrong keys, a missing bucket or an unreachable store
// are known before anything is mounted (SPEC C4).
func (c *Client) Check(ctx context.Context) error {
	call, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	page, err := c.s3.ListObjectsV2(call, &s3.ListObjectsV2Input{
		Bucket: &c.bucket, Prefix: &c.prefix, MaxKeys: aws.Int32(1),
	})
	if err == nil {
		err = listing(page)
	}
	err = c.outcome(ctx, "list bucket", c.bucket, err)
	if errors.Is(err, upper.ErrNoObject) { // of a bucket S3 says NoSuchBucket
		return fault.New(fault.Unreachable, "check the endpoint, with its path where it has one", "list bucket %s: what answers at the endpoint is not an S3 store", c.bucket)
	}
	return err
}

// ListDir returns the direct children of dir ("" is the root), sorted by key. Prefixes
// are directories; markers are not shown as files; "x.rclonelink" is the symlink x,
// listed with its real key. Names that no file system can hold are left out; where a
// key is a file and a prefix at once the directory is shown.
func (c *Client) ListDir(ctx context.Context, dir string) ([]upper.Object, error) {
	prefix := ""
	if dir != "" {
		prefix = dir + "/"
	}
	dirs := map[string]bool{}
	var objects []upper.Object
	err := c.pages(ctx, prefix, "/", func(page *s3.ListObjectsV2Output) error {
		for _, p := range page.CommonPrefixes {
			key, err := c.relative(page, p.Prefix)
			if err != nil {
				return err
			}
			if key = strings.TrimSuffix(key, "/"); showable(key[min(len(prefix), len(key)):]) {
				dirs[key] = true
				objects = append(objects, upper.Object{Key: key, Kind: upper.Dir})
			}
		}
		for _, item := range page.Contents {
			o, err := c.listed(page, item)
			if err != nil {
				return err
			}
			name := o.Key[min(len(prefix), len(o.Key)):]
			if link, ok := strings.CutSuffix(name, upper.SymlinkSuffix); ok && link != "" {
				o.Kind, name = upper.Symlink, link
			}
			if o.Kind != upper.Dir && showable(name) {
				objects = append(objects, o)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return withoutShadows(objects, dirs), nil
}

// withoutShadows sorts objects and drops files and symlinks whose name is a directory's,
// and files whose name is a symlink's.
func withoutShadows(objects []upper.Object, dirs map[string]bool) []upper.Object {
	links := map[string]bool{}
	for _, o := range objects {
		if o.Kind == upper.Symlink {
			links[strings.TrimSuffix(o.Key, upper.SymlinkSuffix)] = true
		}
	}
	kept := objects[:0]
	for _, o := range objects {
		shadowed := o.Kind == upper.File && (dirs[o.Key] || links[o.Key]) ||
			o.Kind == upper.Symlink && dirs[strings.TrimSuffix(o.Key, upper.SymlinkSuffix)]
		if !shadowed {
			kept = append(kept, o)
		}
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].Key < kept[j].Key })
	return kept
}

// Walk calls each for every key below prefix (which ends in "/"), that marker itself
// included; markers come with their "/" and Kind Dir.
func (c *Client) Walk(ctx context.Context, prefix string, each func(upper.Object) error) error {
	return c.pages(ctx, prefix, "", func(page *s3.ListObjectsV2Output) error {
		for _, item := range page.Contents {
			o, err := c.listed(page, item)
			if err != nil {
				return err
			}
			if err := each(o); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *Client) pages(ctx context.Context, prefix, delimiter string, each func(*s3.ListObjectsV2Output) error) error {
	in := &s3.ListObjectsV2Input{
		Bucket: &c.bucket, Prefix: c.full(prefix),
		EncodingType: types.EncodingTypeUrl, // keys may hold what XML cannot
	}
	if delimiter != "" {
		in.Delimiter = &delimiter
	}
	for {
		call, cancel := context.WithTimeout(ctx, c.timeout)
		page, err := c.s3.ListObjectsV2(call, in)
		cancel()
		if err == nil {
			err = listing(page)
		}
		if err := c.outcome(ctx, "list", prefix, err); err != nil {
			return err
		}
		if err := each(page); err != nil {
			return err
		}
		if !aws.ToBool(page.IsTruncated) || aws.ToString(page.NextContinuationToken) == "" {
			return nil
		}
		in.ContinuationToken = page.NextContinuationToken
	}
}

func (c *Client) listed(page *s3.ListObjectsV2Output, item types.Object) (upper.Object, error) {
	key, err := c.relative(page, item.Key)
	if err != nil {
		return upper.Object{}, err
	}
	o := object(key, aws.ToInt64(item.Size), unquoted(item.ETag))
	o.ModTime = aws.ToTime(item.LastModified)
	return o, nil
}

// relative decodes a listed key where the store encoded it (encoding-type=url: "+" is a
// space) and takes the workspace's prefix off.
func (c *Client) relative(page *s3.ListObjectsV2Output, key *string) (string, error) {
	full := aws.ToString(key)
	if page.EncodingType == types.EncodingTypeUrl {
		var err error
		if full, err = url.QueryUnescape(full); err != nil {
			return "", err
		}
	}
	return strings.TrimPrefix(full, c.prefix), nil
}

func showable(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= nameMax &&
		!strings.ContainsAny(name, "/\x00")
}
