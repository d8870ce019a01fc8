package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// Spans checks that x, the index of s, which is empty, tells of each reference in the span of
// its blob and in no other, whatever refers to it, and of nothing that was condemned. SPEC B31
func Spans(t *testing.T, s *store.Store, x store.Index) {
	f := &fixture{T: t, Store: s, ctx: context.Background()}
	f.must(s.CreateBucket(f.ctx, "bucket", store.CreateBucketOptions{}))
	want := map[string]bool{}
	for i := range 40 {
		key := fmt.Sprint("k", i)
		f.put(key, blob(key, 100+i*5000))
	}
	id := f.begin("up")
	f.part("up", id, 1, blob("part", 200_000))
	parts, err := x.Parts(f.ctx, "bucket", "up", id, 0, 0)
	f.must(err)
	segments := parts[0].Segments
	objects, err := x.Walk(f.ctx, "bucket", "", 1000)
	f.must(err)
	for _, o := range objects {
		segments = append(segments, o.Segments...)
	}
	for _, g := range segments {
		want[g.Blob] = true
	}
	if len(want) < 41 {
		t.Fatalf("there are %d blobs", len(want))
	}
	condemned := strings.Repeat("8", 32)
	if x, ok := x.(store.Shared); ok {
		if gone, err := x.Condemn(f.ctx, []string{condemned, segments[0].Blob}); err != nil || !slices.Equal(gone, []string{condemned}) {
			t.Errorf("condemned are %v, %v", gone, err)
		}
	}
	ask := func(of store.Span) map[string]bool {
		got := map[string]bool{}
		f.must(x.References(f.ctx, of, func(blob string) {
			if !of.Has(blob) {
				t.Errorf("%s is told of in %q", blob, of)
			}
			got[blob] = true
		}))
		return got
	}
	for _, cuts := range [][]string{{"", ""}, {"", "8", ""}, {"", "2", "5f", "8888888", "c", "c0", "f", ""}, {"", segments[3].Blob, ""}} {
		got := map[string]bool{}
		for i, from := range cuts[:len(cuts)-1] {
			for blob := range ask(store.Span{From: from, To: cuts[i+1]}) {
				if got[blob] {
					t.Errorf("%s is told of in two spans of %q", blob, cuts)
				}
				got[blob] = true
			}
		}
		for blob := range want {
			if !got[blob] {
				t.Errorf("%s is in none of %q", blob, cuts)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d blobs in %q, want %d", len(got), cuts, len(want))
		}
	}
	if got := ask(store.Span{From: "3", To: "3"}); len(got) > 0 {
		t.Errorf("an empty span has %v", got)
	}
}
