package storetest

import (
	"maps"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// SPEC B12
func testTags(t *testing.T, open Backend) {
	f := start(t, open, 0)
	want := func(key string, tags map[string]string) store.ObjectInfo {
		t.Helper()
		o, err := f.Head(f.ctx, "bucket", key)
		f.must(err)
		if !maps.Equal(o.Tags, tags) {
			t.Errorf("%s has tags %v, want %v", key, o.Tags, tags)
		}
		return o
	}
	f.refused(f.SetTags(f.ctx, "none", "k", nil), store.ErrNoSuchBucket)
	f.refused(f.SetTags(f.ctx, "bucket", "k", nil), store.ErrNoSuchKey)
	first := map[string]string{"a": "1", "empty": "", "ü": "é"}
	_, err := f.Put(f.ctx, "bucket", "k", strings.NewReader("body"), store.PutOptions{Size: 4, Tags: first, Meta: map[string]string{"m": "v"}})
	f.must(err)
	before := want("k", first)

	second := map[string]string{"b": "2"}
	f.must(f.SetTags(f.ctx, "bucket", "k", second))
	now := want("k", second)
	if !now.Modified.Equal(before.Modified) || now.ETag != before.ETag || now.Size != before.Size || now.Meta["m"] != "v" {
		t.Errorf("tags changed more than themselves: %+v, before %+v", now, before)
	}
	f.holds("k", "body")

	_, err = f.Copy(f.ctx, "bucket", "k", "bucket", "copy", store.CopyOptions{})
	f.must(err)
	want("copy", second)
	_, err = f.Copy(f.ctx, "bucket", "k", "bucket", "copy", store.CopyOptions{ReplaceTags: true, Tags: first})
	f.must(err)
	want("copy", first)

	id, err := f.CreateUpload(f.ctx, store.UploadInfo{Bucket: "bucket", Key: "parts", Tags: first, ChecksumAlgorithm: "CRC32", ChecksumType: "COMPOSITE"})
	f.must(err)
	p, err := f.PutPart(f.ctx, "bucket", "parts", id, 1, strings.NewReader("x"), store.PartOptions{
		Size: 1, Finish: func(string) (string, error) { return "sum", nil },
	})
	f.must(err)
	_, err = f.CompleteUpload(f.ctx, "bucket", "parts", id, []store.CompletedPart{{Number: 1, ETag: p.ETag}}, store.CompleteOptions{})
	f.must(err)
	if o := want("parts", first); len(o.PartChecksums) != 1 || o.PartChecksums[0] != "sum" {
		t.Errorf("the parts' checksums are %q", o.PartChecksums)
	}

	// What a copy reads and what it writes are one: tags that are set in between are not lost.
	times := 0
	_, err = f.Copy(f.ctx, "bucket", "k", "bucket", "k", store.CopyOptions{Replace: true, Source: func(store.ObjectInfo) error {
		if times++; times == 1 {
			f.must(f.SetTags(f.ctx, "bucket", "k", first))
		}
		return nil
	}})
	f.must(err)
	want("k", first)
	f.must(f.SetTags(f.ctx, "bucket", "k", nil))
	want("k", nil)
	f.put("k", "overwritten")
	want("k", nil)
	f.recount()
}
