package storetest

import (
	"crypto/md5" //nolint:gosec // S3's ETag
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

func (f *fixture) begin(key string) string {
	f.Helper()
	id, err := f.CreateUpload(f.ctx, store.UploadInfo{Bucket: "bucket", Key: key, ContentType: "text/x", Meta: map[string]string{"m": "1"}})
	f.must(err)
	return id
}

func (f *fixture) part(key, id string, number int, content string) store.CompletedPart {
	f.Helper()
	p, err := f.PutPart(f.ctx, "bucket", key, id, number, strings.NewReader(content), store.PartOptions{Size: int64(len(content))})
	f.must(err)
	return store.CompletedPart{Number: number, ETag: p.ETag}
}

// upload writes an object of parts.
func (f *fixture) upload(key string, contents ...string) store.ObjectInfo {
	f.Helper()
	id := f.begin(key)
	var parts []store.CompletedPart
	for i, c := range contents {
		parts = append(parts, f.part(key, id, i+1, c))
	}
	info, err := f.CompleteUpload(f.ctx, "bucket", key, id, parts, store.CompleteOptions{})
	f.must(err)
	return info
}

// SPEC B12
func testMultipart(t *testing.T, open Backend) {
	f := start(t, open, 0)
	one, two, tail := blob("one", store.MinPart), blob("two", store.MinPart+1), "tail"
	f.put("k", "old")
	id := f.begin("k")
	complete := func(parts ...store.CompletedPart) error {
		_, err := f.CompleteUpload(f.ctx, "bucket", "k", id, parts, store.CompleteOptions{})
		return err
	}
	f.refused(complete(store.CompletedPart{Number: 1, ETag: "x"}), store.ErrInvalidPart)
	p9 := f.part("k", id, 9, tail)
	f.part("k", id, 1, two)
	p1 := f.part("k", id, 1, one) // replaces
	p2 := f.part("k", id, 2, two)
	small := f.part("k", id, 3, "small")
	f.refused(complete(p2, p1), store.ErrInvalidPartOrder)
	f.refused(complete(p1, small, p9), store.ErrEntityTooSmall)
	f.refused(complete(p1, store.CompletedPart{Number: 2, ETag: p1.ETag}), store.ErrInvalidPart)
	f.holds("k", "old")
	if u := f.recount(); u.PartBytes != int64(len(one)+len(two)+len("small")+len(tail)) || u.Objects != 1 {
		t.Errorf("%+v", u)
	}
	f.must(complete(p1, p2, p9)) // 3 is left out, and gone
	f.holds("k", one+two+tail)
	info, err := f.Head(f.ctx, "bucket", "k")
	f.must(err)
	sum := md5.New() //nolint:gosec // S3's ETag
	for _, c := range []string{one, two, tail} {
		part := md5.Sum([]byte(c)) //nolint:gosec // S3's ETag
		sum.Write(part[:])
	}
	if want := fmt.Sprintf("%x-3", sum.Sum(nil)); info.ETag != want || info.Meta["m"] != "1" || info.ContentType != "text/x" || len(info.PartSizes) != 3 {
		t.Errorf("%+v, want ETag %s", info, want)
	}
	// A client whose answer got lost sends it again.
	f.must(complete(p1, p2, p9))
	f.put("k", "overwritten")
	f.refused(complete(p1, p2, p9), store.ErrNoSuchUpload)
	f.holds("k", "overwritten")
	if u := f.recount(); u.PartBytes != 0 || u.Objects != 1 {
		t.Errorf("%+v", u)
	}

	// A part that is uploaded again while the upload completes is not mistaken for the one that was named.
	id = f.begin("race")
	p1 = f.part("race", id, 1, one)
	_, err = f.CompleteUpload(f.ctx, "bucket", "race", id, []store.CompletedPart{p1}, store.CompleteOptions{
		Finish: func(store.UploadInfo, []store.PartInfo) (store.Checksum, error) {
			f.part("race", id, 1, two)
			return store.Checksum{}, nil
		},
	})
	f.refused(err, store.ErrInvalidPart)
	f.must(f.AbortUpload(f.ctx, "bucket", "race", id))

	id = f.begin("k")
	p1 = f.part("k", id, 1, one)
	_, err = f.CompleteUpload(f.ctx, "bucket", "k", id, []store.CompletedPart{p1}, store.CompleteOptions{IfNoneMatch: true})
	f.refused(err, store.ErrPreconditionFailed)
	f.must(f.AbortUpload(f.ctx, "bucket", "k", id))
	f.refused(f.AbortUpload(f.ctx, "bucket", "k", id), store.ErrNoSuchUpload)
	_, err = f.PutPart(f.ctx, "bucket", "k", id, 1, strings.NewReader("x"), store.PartOptions{Size: 1})
	f.refused(err, store.ErrNoSuchUpload)
	f.holds("k", "overwritten")

	a, b := f.begin("list/a"), f.begin("list/b")
	list, err := f.Uploads(f.ctx, "bucket", "list/", "", "", 0)
	f.must(err)
	if len(list) != 2 || list[0].ID != a || list[1].ID != b {
		t.Errorf("%+v", list)
	}
	if list, err = f.Uploads(f.ctx, "bucket", "list/", "list/a", a, 0); err != nil || len(list) != 1 || list[0].ID != b {
		t.Errorf("after a: %+v %v", list, err)
	}
	f.part("list/a", a, 1, "x")
	if n, err := f.ExpireUploads(f.ctx, time.Now().Add(time.Hour)); n != 2 || err != nil {
		t.Errorf("expired %d, %v", n, err)
	}
	if u := f.recount(); u.PartBytes != 0 {
		t.Errorf("%+v", u)
	}
}

// SPEC B12
func testCopyPart(t *testing.T, open Backend) {
	f := start(t, open, 0)
	one, two := blob("one", store.MinPart), blob("two", store.MinPart)
	f.upload("src", one, two)
	whole := one + two
	for name, c := range map[string]struct{ offset, length int64 }{
		"all": {0, -1}, "a whole part": {store.MinPart, store.MinPart}, "a cut": {5, store.MinPart}, "nothing": {3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fixture{T: t, Store: f.Store, ctx: f.ctx}
			id := f.begin("dst")
			var summed string
			p, err := f.CopyPart(f.ctx, "bucket", "src", "bucket", "dst", id, 1, store.CopyPartOptions{
				Offset: c.offset, Length: c.length,
				Checksum: func(r io.Reader) (string, error) {
					b, err := io.ReadAll(r)
					summed = string(b)
					return "sum", err
				},
			})
			f.must(err)
			end := c.offset + c.length
			if c.length < 0 {
				end = int64(len(whole))
			}
			tail := f.part("dst", id, 2, "tail")
			_, err = f.CompleteUpload(f.ctx, "bucket", "dst", id,
				[]store.CompletedPart{{Number: 1, ETag: p.ETag}, tail}, store.CompleteOptions{})
			if c.length == 0 {
				f.refused(err, store.ErrEntityTooSmall)
				f.must(f.AbortUpload(f.ctx, "bucket", "dst", id))
				return
			}
			f.must(err)
			f.holds("dst", whole[c.offset:end]+"tail")
			if summed != whole[c.offset:end] || p.Checksum != "sum" {
				t.Error("the checksum was made of other bytes")
			}
			f.recount()
		})
	}
	id := f.begin("dst")
	_, err := f.CopyPart(f.ctx, "bucket", "src", "bucket", "dst", id, 1, store.CopyPartOptions{Offset: 1, Length: int64(len(whole))})
	f.refused(err, store.ErrInvalidRange)
	changed := errors.New("changed")
	_, err = f.CopyPart(f.ctx, "bucket", "src", "bucket", "dst", id, 1, store.CopyPartOptions{
		Length: -1, Source: func(store.ObjectInfo) error { return changed },
	})
	if !errors.Is(err, changed) {
		t.Error(err)
	}
	// The source goes while it is copied, or after: what was made of it stays.
	f.upload("brief", one, two)
	p, err := f.CopyPart(f.ctx, "bucket", "brief", "bucket", "dst", id, 1, store.CopyPartOptions{
		Length: -1, Source: func(store.ObjectInfo) error { return f.Delete(f.ctx, "bucket", "brief") },
	})
	f.must(err)
	_, err = f.CompleteUpload(f.ctx, "bucket", "dst", id, []store.CompletedPart{{Number: 1, ETag: p.ETag}}, store.CompleteOptions{})
	f.must(err)
	f.holds("dst", whole)
	id = f.begin("dst")
	p, err = f.CopyPart(f.ctx, "bucket", "src", "bucket", "dst", id, 1, store.CopyPartOptions{Length: -1})
	f.must(err)
	f.must(f.Delete(f.ctx, "bucket", "src"))
	_, err = f.CompleteUpload(f.ctx, "bucket", "dst", id, []store.CompletedPart{{Number: 1, ETag: p.ETag}}, store.CompleteOptions{})
	f.must(err)
	f.holds("dst", whole)
	f.recount()
}
