package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func puts(from, to int, pad string) []Change {
	var list []Change
	for i := from; i <= to; i++ {
		list = append(list, Change{Kind: ChangePut, Bucket: "b", Key: fmt.Sprint(i, pad)})
	}
	return list
}

// follow reads from a position until there is nothing more.
func follow(t *testing.T, r *Ring, p Position) ([]Change, Position) {
	t.Helper()
	var all []Change
	for {
		list, err := r.Read(context.Background(), p, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return all, p
		}
		all, p = append(all, list...), list[len(list)-1].Position
	}
}

func head(t *testing.T, r *Ring) Position {
	t.Helper()
	p, err := r.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A position is good as long as what follows it is kept, and no longer. SPEC D5
func TestRingLetsGo(t *testing.T) {
	ctx := context.Background()
	r := NewRing()
	begin := head(t, r)
	kept := ringStretch * ringStretches
	r.Publish(puts(1, kept, ""))
	all, end := follow(t, r, begin)
	if len(all) != kept || all[0].Key != "1" || all[kept-1].Key != fmt.Sprint(kept) || end != head(t, r) {
		t.Fatalf("%d changes of %d, up to %s", len(all), kept, end)
	}
	half := all[kept/2].Position
	r.Publish(puts(kept+1, kept+1, ""))
	if _, err := r.Read(ctx, begin, 1); !errors.Is(err, ErrFeedLost) {
		t.Fatalf("the beginning was let go of, and reading after it says %v", err)
	}
	if rest, _ := follow(t, r, half); len(rest) != kept/2 {
		t.Fatalf("%d changes after the middle, want %d", len(rest), kept/2)
	}
}

// Long keys are bounded by their bytes.
func TestRingIsBounded(t *testing.T) {
	r := NewRing()
	pad := strings.Repeat("k", MaxKey-10)
	for i := range 100 {
		r.Publish(puts(i*1000, i*1000+999, pad))
	}
	kept := 0
	for _, c := range r.stretches {
		for i := range c.changes {
			kept += len(c.changes[i].Key)
		}
	}
	if kept > ringBytes+ringBytes/ringStretches+MaxKey || kept < ringBytes/2 {
		t.Fatalf("it keeps %d bytes of keys, the bound is %d", kept, ringBytes)
	}
}

// What is no position of this life is refused, however it looks.
func TestRingRefusesPositions(t *testing.T) {
	r, other := NewRing(), NewRing()
	r.Publish(puts(1, 3, ""))
	other.Publish(puts(1, 3, ""))
	before := head(t, r)
	life, _, _ := strings.Cut(string(before), "-")
	for _, p := range []Position{"", "-", "1", head(t, other), Position(life), Position(life + "-"), Position(life + "-4"), Position(life + "--1"), Position(life + "-99999999999999999999")} {
		if _, err := r.Read(context.Background(), p, 10); !errors.Is(err, ErrFeedLost) {
			t.Errorf("%q: %v", p, err)
		}
	}
	news := r.News()
	r.Restart()
	<-news
	if _, err := r.Read(context.Background(), before, 10); !errors.Is(err, ErrFeedLost) {
		t.Errorf("a position of the former life: %v", err)
	}
	if all, _ := follow(t, r, head(t, r)); len(all) != 0 {
		t.Errorf("a new life begins with %d changes", len(all))
	}
}

// Readers that wait for news miss nothing, and share what was published.
func TestRingReaders(t *testing.T) {
	const rounds, batch = 500, 3
	r := NewRing()
	begin := head(t, r)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			p := begin
			for seen := 0; seen < rounds*batch; {
				news := r.News()
				list, err := r.Read(context.Background(), p, 7)
				if err != nil {
					t.Error(err)
					return
				}
				for _, c := range list {
					if seen++; c.Key != fmt.Sprint(seen) {
						t.Errorf("change %d is of key %s", seen, c.Key)
						return
					}
					p = c.Position
				}
				if len(list) == 0 {
					<-news
				}
			}
		})
	}
	for i := range rounds {
		r.Publish(puts(i*batch+1, i*batch+batch, ""))
	}
	readers.Wait()
}
