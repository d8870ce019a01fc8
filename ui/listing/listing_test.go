package listing

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

var day = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func names(l List, rows []uint32) []string {
	var list []string
	for _, i := range rows {
		list = append(list, l.At(int(i)).Name)
	}
	return list
}

// A list that was handed out stays as it is while more is added.
func TestListsStay(t *testing.T) {
	var b Builder
	const n = 3*chunkSize + 7
	var halfway List
	for i := range n {
		if i == n/2 {
			halfway = b.List()
		}
		b.Add(Entry{Name: fmt.Sprintf("%06d", i), Size: int64(i), Modified: day.Add(time.Duration(i) * time.Second)})
	}
	all := b.List()
	if halfway.Len() != n/2 || all.Len() != n || all.Bytes() != int64(n)*(n-1)/2 {
		t.Fatalf("%d and %d entries, %d bytes", halfway.Len(), all.Len(), all.Bytes())
	}
	for i := range n {
		want := Entry{Name: fmt.Sprintf("%06d", i), Size: int64(i), Modified: day.Add(time.Duration(i) * time.Second).Local()}
		if got := all.At(i); got != want {
			t.Fatalf("entry %d is %+v", i, got)
		}
		if i < n/2 && halfway.At(i).Name != want.Name {
			t.Fatalf("entry %d changed to %+v", i, halfway.At(i))
		}
	}
	if rows := halfway.Arrange(t.Context(), Order{Filter: "0"}, nil).Rows; len(rows) != n/2 {
		t.Errorf("%d of %d names have a 0", len(rows), n/2)
	}
}

func TestArrange(t *testing.T) {
	var b Builder
	for i, e := range []Entry{
		{Name: "Beta.txt", Size: 5}, {Name: "a/", Folder: true}, {Name: "alphabet.md", Size: 9}, {Name: "ä", Size: 2}, {Name: "xb_e_t", Size: 9},
	} {
		if !e.Folder {
			e.Modified = day.Add(time.Duration(i) * time.Hour)
		}
		b.Add(e)
	}
	l := b.List()
	for _, c := range []struct {
		order Order
		want  []string
	}{
		{Order{}, []string{"Beta.txt", "a/", "alphabet.md", "xb_e_t", "ä"}},
		{Order{Reverse: true}, []string{"ä", "xb_e_t", "alphabet.md", "a/", "Beta.txt"}},
		{Order{By: BySize}, []string{"alphabet.md", "xb_e_t", "Beta.txt", "ä", "a/"}},
		{Order{By: BySize, Reverse: true}, []string{"a/", "ä", "Beta.txt", "xb_e_t", "alphabet.md"}},
		{Order{By: ByTime}, []string{"xb_e_t", "ä", "alphabet.md", "Beta.txt", "a/"}},
		{Order{Filter: "bet"}, []string{"Beta.txt", "alphabet.md", "xb_e_t"}}, // in one piece first
		{Order{Filter: "BET", By: BySize}, []string{"alphabet.md", "Beta.txt", "xb_e_t"}},
		{Order{Filter: "ä"}, []string{"ä"}},
		{Order{Filter: "zz"}, nil},
	} {
		if got := names(l, l.Arrange(t.Context(), c.order, nil).Rows); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.order, got, c.want)
		}
	}
}

// Sorted in pieces and merged, it is what a sort in one go is.
func TestArrangeMany(t *testing.T) {
	l := million(200_000)
	rows := l.Arrange(t.Context(), Order{By: BySize}, nil).Rows
	if len(rows) != l.Len() {
		t.Fatalf("%d rows of %d", len(rows), l.Len())
	}
	seen := make([]bool, l.Len())
	for i, r := range rows {
		if seen[r] {
			t.Fatalf("%d is there twice", r)
		}
		seen[r] = true
		if i > 0 && (l.size(rows[i-1]) < l.size(r) || l.size(rows[i-1]) == l.size(r) && rows[i-1] > r) {
			t.Fatalf("row %d of %d bytes follows one of %d", i, l.size(r), l.size(rows[i-1]))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a := l.Arrange(ctx, Order{By: BySize}, nil); a != nil {
		t.Error("an arrangement that was cancelled has rows")
	}
}

// What a longer filter finds among what a shorter one found, it finds in the whole list too; also
// where entries came between the two.
func TestFilterGoesOn(t *testing.T) {
	var b Builder
	add := func(from, to int) List {
		for i := from; i < to; i++ {
			b.Add(Entry{Name: fmt.Sprintf("Run-%03d/check-%d.pt", i%997, i*7919), Size: int64(i % 1013)})
		}
		return b.List()
	}
	some := add(0, 9_001)
	all := add(9_001, 30_000)
	var last *Arrangement
	l := some
	for i, filter := range []string{"", "c", "ck", "ck9", "CK91", "ck9", "k9", "ck91", "ck91", "zzck91"} {
		if i == 4 {
			l = all
		}
		o := Order{Filter: filter, By: Key(i % 3), Reverse: i%2 == 1}
		a, want := l.Arrange(t.Context(), o, last), l.Arrange(t.Context(), o, nil)
		if !slices.Equal(a.Rows, want.Rows) || !slices.Equal(a.found, want.found) {
			t.Fatalf("%+v: %d rows after %q, %d from the whole list", o, len(a.Rows), last.Order.Filter, len(want.Rows))
		}
		if (len(a.Rows) == 0) != (filter == "zzck91") {
			t.Errorf("%q finds %d", filter, len(a.Rows))
		}
		last = a
	}
}

func million(n int) List {
	var b Builder
	for i := range n {
		b.Add(Entry{Name: fmt.Sprintf("run-%04d/checkpoint-%07d.pt", i/1000, i), Size: int64(i*7919) % 1_000_003, Modified: day})
	}
	return b.List()
}

func BenchmarkFilter(b *testing.B) {
	l := million(1_000_000)
	for _, needle := range []string{"9", "ck99", "checkpoint-0999", "zzz"} {
		b.Run(needle, func(b *testing.B) {
			for b.Loop() {
				l.Arrange(b.Context(), Order{Filter: needle}, nil)
			}
		})
	}
}

// The letters of a filter one by one, as they are typed.
func BenchmarkFilterTyped(b *testing.B) {
	l := million(1_000_000)
	for b.Loop() {
		var last *Arrangement
		for n := range len("999999") {
			last = l.Arrange(b.Context(), Order{Filter: "999999"[:n+1]}, last)
		}
	}
}

func BenchmarkSort(b *testing.B) {
	l := million(1_000_000)
	for b.Loop() {
		l.Arrange(b.Context(), Order{By: BySize}, nil)
	}
}
