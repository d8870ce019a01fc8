package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// sameObject compares all but where the bytes are.
func sameObject(a, b store.Object) bool {
	return a.Bucket == b.Bucket && a.Key == b.Key && a.Size == b.Size && a.Modified.Equal(b.Modified) && a.ETag == b.ETag &&
		a.ContentType == b.ContentType && maps.Equal(a.Headers, b.Headers) && maps.Equal(a.Meta, b.Meta) && maps.Equal(a.Tags, b.Tags) &&
		a.Checksum == b.Checksum && slices.Equal(a.PartSizes, b.PartSizes) && slices.Equal(a.PartChecksums, b.PartChecksums) &&
		a.UploadID == b.UploadID && sameBytes(a.Segments, b.Segments)
}

func samePart(a, b store.Part) bool {
	return a.Number == b.Number && a.Size == b.Size && a.ETag == b.ETag && a.Modified.Equal(b.Modified) && a.Checksum == b.Checksum &&
		sameBytes(a.Segments, b.Segments)
}

// sameBytes goes by the sums. One that the source does not know is taken for equal: the ETag says the rest.
func sameBytes(a, b []store.Segment) bool {
	return slices.EqualFunc(a, b, func(x, y store.Segment) bool {
		return x.Length == y.Length && (x.Sum == y.Sum || x.Sum == 0)
	})
}

// compare compares every record and every count of both.
func (r *run) compare(ctx context.Context) error {
	buckets, err := store.BucketsOf(ctx, r.from.Index)
	if err != nil {
		return err
	}
	there, err := store.BucketsOf(ctx, r.to.Index)
	if err != nil {
		return err
	}
	if len(there) != len(buckets) {
		return differs("%d buckets here, %d there", len(buckets), len(there))
	}
	totals := Totals{Buckets: len(buckets)}
	for _, b := range buckets {
		if err := r.verifyBucket(ctx, b, &totals); err != nil {
			return err
		}
	}
	r.tell(func(*Progress) { r.report.Totals = totals })
	return nil
}

// readBack has the target's bytes read, and its index counted.
func (r *run) readBack(ctx context.Context) error {
	check := store.New(r.to.Index, unclosed{r.to.Blobs}, store.Options{Idle: true})
	report, err := check.Check(ctx, store.CheckOptions{Deep: !r.opt.Quick, Progress: func(c store.CheckReport) {
		r.tell(func(p *Progress) { p.Objects, p.Bytes = c.Objects, c.Bytes })
	}})
	if err != nil {
		return err
	}
	if !report.Sound() {
		return differs("%d objects cannot be read back, and the index has %d faults", len(report.Damaged), len(report.Index.Drifts)+len(report.Index.Problems)+report.Index.Shared)
	}
	if !r.opt.Quick {
		r.tell(func(*Progress) { r.report.Verified = report.Bytes })
	}
	return nil
}

// unclosed are blobs whose owner closes them.
type unclosed struct{ store.Blobs }

func (unclosed) Close() error { return nil }

func differs(format string, args ...any) error {
	return fault.New(fault.Failure, "run it again; if that does not help, give an empty target", "the copy is not what the source is: %s", fmt.Sprintf(format, args...))
}

func (r *run) verifyBucket(ctx context.Context, want store.BucketInfo, totals *Totals) error {
	got, err := r.to.Index.Bucket(ctx, want.Name)
	if err != nil {
		return err
	}
	if got.Owner != want.Owner || !got.Created.Equal(want.Created) || got.Quota != want.Quota || got.Usage != want.Usage {
		return differs("bucket %s has %+v here, %+v there", want.Name, want, got)
	}
	from := &walker{ctx: ctx, index: r.from.Index, bucket: want.Name}
	to := &walker{ctx: ctx, index: r.to.Index, bucket: want.Name}
	for {
		a, err := from.head()
		if err != nil {
			return err
		}
		b, err := to.head()
		if err != nil {
			return err
		}
		if a == nil && b == nil {
			break
		}
		if a == nil || b == nil || !sameObject(*a, *b) {
			return differs("the objects of bucket %s", want.Name)
		}
		totals.Objects++
		totals.Bytes += a.Size
		from.next()
		to.next()
	}
	if err := r.verifyUploads(ctx, want.Name, totals); err != nil {
		return err
	}
	a, err := r.from.Index.Prefixes(ctx, want.Name)
	if err != nil {
		return err
	}
	b, err := r.to.Index.Prefixes(ctx, want.Name)
	if err != nil {
		return err
	}
	if !slices.Equal(a, b) {
		return differs("the counted prefixes of bucket %s", want.Name)
	}
	totals.Prefixes += int64(len(a))
	return nil
}

func (r *run) verifyUploads(ctx context.Context, bucket string, totals *Totals) error {
	a, err := r.from.Index.Uploads(ctx, bucket, "", "", "", 0)
	if err != nil {
		return err
	}
	b, err := r.to.Index.Uploads(ctx, bucket, "", "", "", 0)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(a, b, sameUpload) {
		return differs("the uploads in flight of bucket %s", bucket)
	}
	for _, u := range a {
		x, err := r.from.Index.Parts(ctx, bucket, u.Key, u.ID, 0, 0)
		if err != nil {
			return err
		}
		y, err := r.to.Index.Parts(ctx, bucket, u.Key, u.ID, 0, 0)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(x, y, samePart) {
			return differs("the parts of an upload of %s/%s", bucket, u.Key)
		}
		totals.Uploads++
		totals.Parts += int64(len(x))
		for _, p := range x {
			totals.Bytes += p.Size
		}
	}
	return nil
}

func sameUpload(a, b store.UploadInfo) bool {
	return a.Bucket == b.Bucket && a.Key == b.Key && a.ID == b.ID && a.Owner == b.Owner && a.Created.Equal(b.Created) && a.ContentType == b.ContentType &&
		maps.Equal(a.Headers, b.Headers) && maps.Equal(a.Meta, b.Meta) && maps.Equal(a.Tags, b.Tags) &&
		a.ChecksumAlgorithm == b.ChecksumAlgorithm && a.ChecksumType == b.ChecksumType
}
