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
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

const (
	listAtOnce = 8       // parts
	inventory  = 4 << 20 // blobs that are compared with the references in one go: 64 MiB
	// A part that has more blobs is listed in sixteen, as far as digitsMost: those that come
	// on top of inventory are listAtOnce times that.
	partMost    = 256 << 10
	digitsMost  = 6
	orphansMost = 1 << 20 // that wait to be deleted
	lookEvery   = time.Hour
	uploadMax   = 2 * writeMax
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
// of it is referred to, condemns the rest and deletes what is condemned: part by part, in the
// order of the ids. It gives up uploads in parts that are nobody's any more.
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
	w := walk{Blobs: b, digits: 2}
	ends := endings{Blobs: b, refs: refs}
	for err == nil && !w.over() {
		var have []token
		var span store.Span
		if have, span, err = w.next(ctx); err != nil {
			break
		}
		seen += len(have)
		var gone []token
		if gone, err = orphans(have, span, refs); err == nil {
			err = ends.begin(ctx, gone)
		}
	}
	swept.Removed, err = ends.wait(err)
	if err != nil {
		return swept, err
	}
	if err := b.abortOld(ctx); err != nil {
		return swept, err
	}
	last.Ended, last.Seen, last.Swept = time.Now().UTC(), seen, swept.Removed
	return swept, b.note(ctx, last)
}

// walk goes through the blobs in parts, each of all whose ids begin with the same digits. The
// ids are random, so that parts are about the same size: where one is found to have more names
// than are to be listed at once, this one and all that come have a digit more.
type walk struct {
	*Blobs
	digits, part int // the next one
}

func (w *walk) parts() int { return 1 << (4 * w.digits) }

func (w *walk) over() bool { return w.part == w.parts() }

// first is the smallest id of a part, empty for that after the last one.
func (w *walk) first(part int) string {
	if part == w.parts() {
		return ""
	}
	return fmt.Sprintf("%0*x", w.digits, part)
}

// next returns the blobs of some parts, sorted, and the span that they cover.
func (w *walk) next(ctx context.Context) (have []token, of store.Span, err error) {
	from := w.part
	for !w.over() && len(have) < w.inventory {
		lists := make([][]token, min(listAtOnce, w.parts()-w.part))
		var large atomic.Bool
		group, inner := errgroup.WithContext(ctx)
		for i := range lists {
			group.Go(func() error {
				list, all, err := w.listPart(inner, w.first(w.part+i))
				if !all {
					large.Store(true)
				}
				lists[i] = list
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, of, err
		}
		if large.Load() {
			w.digits, w.part, from = w.digits+1, w.part<<4, from<<4
			continue
		}
		for _, list := range lists {
			have = append(have, list...)
		}
		w.part += len(lists)
	}
	slices.SortFunc(have, compare) // S3's order is not promised by all
	return have, store.Span{From: w.first(from), To: w.first(w.part)}, nil
}

func compare(a, b token) int { return bytes.Compare(a[:], b[:]) }

// listPart returns the blobs whose ids begin with digits and that are not young, or not all of
// them where there are too many. Keys that are not those of blobs are left alone.
func (w *walk) listPart(ctx context.Context, digits string) (have []token, all bool, err error) {
	folder := w.at("blobs/" + digits[:2] + "/")
	names := folder
	if len(digits) > 2 {
		names += digits
	}
	all = true
	err = w.pages(ctx, names, 1000, func(page *s3.ListObjectsV2Output, now time.Time) bool {
		for _, o := range page.Contents {
			t, err := parse(strings.TrimPrefix(aws.ToString(o.Key), folder))
			if err == nil && strings.HasPrefix(t.String(), digits) && (w.Young < 0 || now.Sub(aws.ToTime(o.LastModified)) > w.Young) {
				have = append(have, t)
			}
		}
		all = len(have) <= w.partMost || len(digits) == digitsMost
		return all
	})
	return have, all, err
}

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

// Empty reports whether there is no blob.
func (b *Blobs) Empty(ctx context.Context) (empty bool, err error) {
	empty = true
	err = b.pages(ctx, b.at("blobs/"), 1, func(page *s3.ListObjectsV2Output, _ time.Time) bool {
		empty = len(page.Contents) == 0
		return false
	})
	return empty, err
}

// orphans are those of have, all blobs of a span, that nothing refers to.
func orphans(have []token, of store.Span, refs store.Referrer) (gone []token, err error) {
	needed := make([]bool, len(have))
	var strange error
	err = refs.Each(of, func(id string) {
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
		return nil, err // nothing may be deleted on half the truth
	}
	for i, t := range have {
		if !needed[i] {
			gone = append(gone, t)
		}
	}
	return gone, nil
}

// endings condemn orphans and delete them, while the sweep goes on: readers elsewhere are given
// some minutes after a blob is condemned.
type endings struct {
	*Blobs
	refs    store.Referrer
	group   errgroup.Group
	waiting int // orphans, at most
	removed atomic.Int64
}

// begin ends all of gone, and waits where there are too many to remember.
func (e *endings) begin(ctx context.Context, gone []token) error {
	for some := range slices.Chunk(gone, orphansMost) {
		if e.waiting += len(some); e.waiting > orphansMost {
			if err := e.group.Wait(); err != nil {
				return err
			}
			e.waiting = len(some)
		}
		ids := make([]string, len(some))
		for i, t := range some {
			ids[i] = t.String()
		}
		e.group.Go(func() error {
			condemned, err := e.refs.Condemn(ids)
			if err != nil {
				return err
			}
			n, err := e.removeAll(ctx, condemned)
			e.removed.Add(int64(n))
			return err
		})
	}
	return nil
}

// wait returns how many were deleted, and the first error, of which err may be one.
func (e *endings) wait(err error) (int, error) {
	if failed := e.group.Wait(); err == nil {
		err = failed
	}
	return int(e.removed.Load()), err
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
