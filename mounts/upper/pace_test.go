package upper

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// The pace grows to its most while the store keeps up, falls at once when it says SlowDown,
// and gives way when it gets slow.
func TestPace(t *testing.T) {
	p := newPace(0)
	now := time.Now()
	for range 100 {
		p.served(4096, 30*time.Millisecond, false, now)
	}
	if p.limit != paceFirst {
		t.Errorf("it grew to %v although nothing waited", p.limit)
	}
	for range 100 {
		p.served(4096, 30*time.Millisecond, true, now)
	}
	if p.limit != paceMost {
		t.Errorf("after 100 quick answers it is %v", p.limit)
	}
	p.refused(now, now.Add(time.Millisecond))
	p.refused(now, now.Add(2*time.Millisecond)) // of requests that were under way
	if p.limit != paceMost/2 {
		t.Errorf("after SlowDown it is %v", p.limit)
	}
	least := false
	for i := range 10 {
		at := now.Add(time.Duration(i+1) * time.Second)
		least = p.refused(at, at)
	}
	if !least || p.limit != paceLeast {
		t.Errorf("after many it is %v", p.limit)
	}
	p = newPace(0)
	p.served(4096, 10*time.Millisecond, true, now)
	for i := range 100 {
		p.served(4096, time.Second, true, now.Add(time.Duration(i)*100*time.Millisecond))
	}
	if p.limit > paceFirst {
		t.Errorf("a store that got slow is sent %v at once", p.limit)
	}
	// Past what was refused last it grows by one a round trip, not by one an answer.
	p = newPace(0)
	for range 100 {
		p.served(4096, 30*time.Millisecond, true, now)
	}
	p.refused(now, now)
	for range paceMost / 2 {
		p.served(4096, 30*time.Millisecond, true, now)
	}
	if p.limit < paceMost/2+0.9 || p.limit > paceMost/2+1 {
		t.Errorf("after a refusal and a round trip it is %v", p.limit)
	}
	p = newPace(5)
	p.served(4096, time.Millisecond, true, now)
	p.refused(now, now)
	if p.limit != 5 {
		t.Errorf("a chosen pace became %v", p.limit)
	}
}

// Many small files go up at a pace that the store sets; when it says SlowDown, no more is
// asked of it than it takes, and nothing is lost.
func TestUploadsAdapt(t *testing.T) {
	w := newWorld(t)
	w.ls("")
	busy := fault.New(fault.Unreachable, "", "the store is overloaded")
	busy.Err = ErrSlowDown
	const takes = 24
	var mu sync.Mutex
	var now, most, refused int
	w.store.before = func(op, _ string) error {
		if op != "put" {
			return nil
		}
		mu.Lock()
		now++
		most = max(most, now)
		over := now > takes
		if over {
			refused++
		}
		mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
		if over {
			return busy
		}
		return nil
	}
	want := map[string]string{}
	for i := range 1000 {
		name := fmt.Sprint("f", i)
		want[name] = name
		w.write(name, name)
	}
	w.drain()
	w.wantRemote(want)
	t.Logf("at most %d at once, %d refused", most, refused)
	if most <= paceFirst || most > paceMost || refused > 500 {
		t.Errorf("at most %d at once, %d refused", most, refused)
	}
}
