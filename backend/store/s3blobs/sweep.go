package s3blobs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

const (
	shards     = 256     // the folders of blobs
	listAtOnce = 8       // of them
	inventory  = 4 << 20 // blobs that are compared with the references in one go: 64 MiB
	lookEvery  = time.Hour
	uploadMax  = 2 * writeMax
	// sweepMax is how long a sweep may take before another process takes it for dead.
	sweepMax = 12 * time.Hour
)

// record is PREFIX/sweep: all processes that have the blobs read it, so that one of them
// sweeps at a time. Two that do all the same do no harm.
type record struct {
	Begun time.Time `json:"begun"`
	Ended time.Time `json:"ended,omitzero"` // before Begun: it is under way, or was killed
	Seen  int       `json:"seen"`           // blobs, by the last that ended
	Swept int       `json:"swept"`          // of them
}

// Untidy implements store.Blobs.
func (b *Blobs) Untidy() bool {
	b.mu.Lock()
	now := time.Now()
	early := now.Before(b.look)
	if !early {
		b.look = now.Add(min(lookEvery, b.SweepEvery)/2 + rand.N(min(lookEvery, b.SweepEvery)/2))
	}
	b.mu.Unlock()
	if early {
		return false
	}
	ctx, cancel := context.WithTimeout(b.life, b.Timeout)
	defer cancel()
	last, err := b.lastSweep(ctx)
	if err != nil {
		return false // there will be another time
	}
	if last.Ended.Before(last.Begun) {
		return now.Sub(last.Begun) > min(sweepMax, b.SweepEvery)
	}
	return now.Sub(last.Ended) > b.SweepEvery
}

func (b *Blobs) lastSweep(ctx context.Context) (last record, err error) {
	text, err := b.get(ctx, b.at("sweep"))
	if isMissing(err) {
		return last, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &last)
	}
	return last, err
}

func (b *Blobs) note(ctx context.Context, r record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return b.failure("note the sweep", b.write(ctx, b.at("sweep"), text, false))
}

// Sweep implements store.Blobs. It lists what is there, but for what is too young, asks which
// of it is referred to, condemns the rest and deletes what is condemned. It gives up uploads
// in parts that are nobody's any more.
func (b *Blobs) Sweep(ctx context.Context, refs store.Referrer) (swept store.Swept, err error) {
	last, err := b.lastSweep(ctx)
	if err != nil {
		return swept, b.failure("read the record of the last sweep", err)
	}
	last.Begun = time.Now().UTC()
	if err := b.note(ctx, last); err != nil {
		return swept, err
	}
	seen := 0
	for shard := 0; shard < shards; {
		var have []token
		if have, shard, err = b.list(ctx, shard); err != nil {
			return swept, err
		}
		seen += len(have)
		n, err := b.sweep(ctx, have, refs)
		swept.Removed += n
		if err != nil {
			return swept, err
		}
	}
	if err := b.abortOld(ctx); err != nil {
		return swept, err
	}
	last.Ended, last.Seen, last.Swept = time.Now().UTC(), seen, swept.Removed
	return swept, b.note(ctx, last)
}

// list returns the blobs of the folders from shard on, sorted, and the folder to go on with.
func (b *Blobs) list(ctx context.Context, shard int) (have []token, next int, err error) {
	for shard < shards && len(have) < inventory {
		folders := make([][]token, min(listAtOnce, shards-shard))
		group, inner := errgroup.WithContext(ctx)
		for i := range folders {
			group.Go(func() (err error) {
				folders[i], err = b.listShard(inner, shard+i)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, 0, err
		}
		for _, f := range folders {
			have = append(have, f...)
		}
		shard += len(folders)
	}
	slices.SortFunc(have, compare) // S3's order is not promised by all
	return have, shard, nil
}

func compare(a, b token) int { return bytes.Compare(a[:], b[:]) }

// pages calls each with every page of a listing below prefix, and the store's own time.
func (b *Blobs) pages(ctx context.Context, prefix string, most int32, each func(page *s3.ListObjectsV2Output, now time.Time) (more bool)) error {
	var after *string
	for {
		var page *s3.ListObjectsV2Output
		err := b.ask(ctx, 0, func(ctx context.Context) (err error) {
			page, err = b.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
				Bucket: &b.Bucket, Prefix: &prefix, ContinuationToken: after, MaxKeys: aws.Int32(most),
			})
			if err == nil && page.Name == nil && page.Prefix == nil && page.KeyCount == nil && page.MaxKeys == nil && page.IsTruncated == nil {
				err = errNotS3
			}
			return err
		})
		if err != nil {
			return b.failure("list the blobs", err)
		}
		now, ok := awsmiddleware.GetServerTime(page.ResultMetadata)
		if !ok {
			now = time.Now()
		}
		if !each(page, now) || !aws.ToBool(page.IsTruncated) {
			return nil
		}
		after = page.NextContinuationToken
	}
}

// listShard returns the blobs of a folder that are not young. Keys that are not those of blobs
// are left alone.
func (b *Blobs) listShard(ctx context.Context, shard int) (have []token, err error) {
	folder := b.at(fmt.Sprintf("blobs/%02x/", shard))
	err = b.pages(ctx, folder, 1000, func(page *s3.ListObjectsV2Output, now time.Time) bool {
		for _, o := range page.Contents {
			t, err := parse(strings.TrimPrefix(aws.ToString(o.Key), folder))
			if err == nil && int(t[0]) == shard && (b.Young < 0 || now.Sub(aws.ToTime(o.LastModified)) > b.Young) {
				have = append(have, t)
			}
		}
		return true
	})
	return have, err
}

// Empty reports whether there is no blob.
func (b *Blobs) Empty(ctx context.Context) (empty bool, err error) {
	empty = true
	err = b.pages(ctx, b.at("blobs/"), 1, func(page *s3.ListObjectsV2Output, _ time.Time) bool {
		empty = len(page.Contents) == 0
		return false
	})
	return empty, err
}

// sweep deletes those of have that nothing refers to.
func (b *Blobs) sweep(ctx context.Context, have []token, refs store.Referrer) (removed int, err error) {
	needed := make([]bool, len(have))
	var strange error
	err = refs.Each(func(id string) {
		t, err := parse(id)
		if err != nil {
			strange = err
			return
		}
		if i, found := slices.BinarySearchFunc(have, t, compare); found {
			needed[i] = true
		}
	})
	if err == nil {
		err = strange
	}
	if err != nil {
		return 0, err // nothing may be deleted on half the truth
	}
	var orphans []string
	for i, t := range have {
		if !needed[i] {
			orphans = append(orphans, t.String())
		}
	}
	condemned, err := refs.Condemn(orphans)
	if err != nil {
		return 0, err
	}
	return b.removeAll(ctx, condemned)
}

func (b *Blobs) removeAll(ctx context.Context, ids []string) (removed int, err error) {
	var mu sync.Mutex
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(listAtOnce)
	for _, id := range ids {
		group.Go(func() error {
			if err := b.Delete(inner, id); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			removed++
			return nil
		})
	}
	err = group.Wait()
	return removed, err
}

// abortOld gives up the uploads that began longer ago than a blob may take.
func (b *Blobs) abortOld(ctx context.Context) error {
	in := &s3.ListMultipartUploadsInput{Bucket: &b.Bucket, Prefix: aws.String(b.at("blobs/"))}
	for {
		var page *s3.ListMultipartUploadsOutput
		err := b.ask(ctx, 0, func(ctx context.Context) (err error) {
			page, err = b.s3.ListMultipartUploads(ctx, in)
			return err
		})
		if err != nil {
			return b.failure("list the uploads", err)
		}
		now, ok := awsmiddleware.GetServerTime(page.ResultMetadata)
		if !ok {
			now = time.Now()
		}
		for _, u := range page.Uploads {
			if now.Sub(aws.ToTime(u.Initiated)) < b.uploadMax || !strings.HasPrefix(aws.ToString(u.Key), *in.Prefix) {
				continue
			}
			err := b.ask(ctx, 0, func(ctx context.Context) error {
				_, err := b.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.Bucket, Key: u.Key, UploadId: u.UploadId})
				return err
			})
			if err != nil && codeOf(err) != "NoSuchUpload" {
				return b.failure("give up an upload", err)
			}
		}
		if !aws.ToBool(page.IsTruncated) {
			return nil
		}
		in.KeyMarker, in.UploadIdMarker = page.NextKeyMarker, page.NextUploadIdMarker
	}
}
