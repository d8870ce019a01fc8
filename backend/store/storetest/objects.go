package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

func testCopy(t *testing.T, open Backend) {
	f := start(t, open, 0)
	body := blob("src", 10_000)
	f.put("src", body)
	copyOf := func(from, to string, o store.CopyOptions) (store.ObjectInfo, error) {
		return f.Copy(f.ctx, "bucket", from, "bucket", to, o)
	}
	_, err := copyOf("none", "x", store.CopyOptions{})
	f.refused(err, store.ErrNoSuchKey)
	for i := range 3 {
		_, err := copyOf("src", fmt.Sprint("copy", i), store.CopyOptions{})
		f.must(err)
	}
	if u := f.recount(); u.Bytes != 40_000 {
		t.Errorf("4 objects of 10,000 bytes count %d", u.Bytes)
	}
	// The bytes live until the last of those that share them goes.
	f.put("src", "other")
	f.must(f.Delete(f.ctx, "bucket", "copy0"))
	f.holds("copy1", body)
	info, err := copyOf("copy1", "copy1", store.CopyOptions{Replace: true, Meta: map[string]string{"a": "b"}})
	f.must(err)
	if info.Meta["a"] != "b" {
		t.Error("metadata was not replaced")
	}
	f.holds("copy1", body)
	f.must(f.Delete(f.ctx, "bucket", "copy1"))
	f.holds("copy2", body)
	_, err = copyOf("copy2", "src", store.CopyOptions{IfNoneMatch: true})
	f.refused(err, store.ErrPreconditionFailed)
	// A source that is overwritten under way is copied as it is then, never as blobs that are gone.
	f.put("moving", "v1")
	times := 0
	_, err = copyOf("moving", "moved", store.CopyOptions{Source: func(store.ObjectInfo) error {
		if times++; times == 1 {
			f.put("moving", "v2")
		}
		return nil
	}})
	f.must(err)
	f.holds("moved", "v2")
	f.must(f.SetQuota(f.ctx, "bucket", 15_000))
	_, err = copyOf("copy2", "copy3", store.CopyOptions{}) // SPEC B24: copies count
	f.refused(err, store.ErrQuotaExceeded)
	f.recount()
}

// Pages are compared with a list made the simple way.
func testList(t *testing.T, open Backend) {
	f := start(t, open, 0)
	f.must(f.CreateBucket(f.ctx, "bucket2", store.CreateBucketOptions{}))
	_, err := f.List(f.ctx, "none", store.ListOptions{})
	f.refused(err, store.ErrNoSuchBucket)
	r := rand.New(rand.NewPCG(7, 7))
	alphabet := []string{"a", "b", "/", "ü", "a/", "\xf4\x8f\xbf\xbf", " "}
	set := map[string]bool{}
	for len(set) < 200 {
		var k strings.Builder
		for range 1 + r.IntN(6) {
			k.WriteString(alphabet[r.IntN(len(alphabet))])
		}
		set[k.String()] = true
	}
	var keys []string
	for k := range set {
		keys = append(keys, k)
		f.put(k, k)
		_, err := f.Put(f.ctx, "bucket2", k+"other", strings.NewReader(""), store.PutOptions{})
		f.must(err)
	}
	slices.Sort(keys)
	for range 300 {
		o := store.ListOptions{Max: 1 + r.IntN(30)}
		if r.IntN(3) > 0 {
			o.Prefix = alphabet[r.IntN(len(alphabet))]
		}
		if r.IntN(3) > 0 {
			o.Delimiter = []string{"/", "a/", "ü"}[r.IntN(3)]
		}
		if r.IntN(3) == 0 {
			o.StartAfter = keys[r.IntN(len(keys))]
		}
		want := simpleList(keys, o)
		var got []string
		for page := 0; ; page++ {
			p, err := f.List(f.ctx, "bucket", o)
			f.must(err)
			if n := len(p.Objects) + len(p.Prefixes); n > o.Max || (p.Truncated && n != o.Max) {
				t.Fatalf("%+v: a page of %d", o, n)
			}
			names := slices.Clone(p.Prefixes)
			for _, obj := range p.Objects {
				names = append(names, obj.Key)
				if obj.Size != int64(len(obj.Key)) {
					t.Fatalf("%q has size %d", obj.Key, obj.Size)
				}
			}
			slices.Sort(names)
			got = append(got, names...)
			if !p.Truncated {
				break
			}
			o.StartAfter = p.Next
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v:\ngot  %q\nwant %q", o, got, want)
		}
	}
}

func simpleList(keys []string, o store.ListOptions) (names []string) {
	for _, k := range keys {
		if !strings.HasPrefix(k, o.Prefix) || k <= o.StartAfter {
			continue
		}
		if o.Delimiter != "" {
			if i := strings.Index(k[len(o.Prefix):], o.Delimiter); i >= 0 {
				k = k[:len(o.Prefix)+i+len(o.Delimiter)]
				if k == o.StartAfter {
					continue
				}
			}
		}
		if len(names) == 0 || names[len(names)-1] != k {
			names = append(names, k)
		}
	}
	return names
}
