package objects_test

import (
	"fmt"
	"net/http"
	"testing"
)

// SPEC C10: 10,000 small files go up, are compared and come down, and one that changed is found.
func TestManySmallFiles(t *testing.T) {
	w := newWorld(t)
	const n = 10_000
	want := map[string]string{}
	for i := range n {
		name := fmt.Sprintf("d%02d/f%04d", i%100, i)
		want[name] = fmt.Sprint("content ", i)
		w.write("src/"+name, []byte(want[name]))
	}
	if r := w.must(w.request("@/src/", "bkt/many/")); r.Transferred != n {
		t.Fatalf("up: %+v", r)
	}
	w.write("src/d07/f0007", []byte("content X"))
	want["d07/f0007"] = "content X"
	w.server.Forget()
	if r := w.sync("@/src", "bkt/many", true); r.Transferred != 1 || r.Same != n-1 {
		t.Errorf("one changed: %+v", r)
	}
	counts := map[string]int{}
	for _, r := range w.server.Requests() {
		counts[r.Method]++
	}
	if counts[http.MethodPut] != 1 || counts[http.MethodGet] > n/1000+2 || counts[http.MethodHead] > 1 {
		t.Errorf("requests of a sync that finds one: %v", counts)
	}
	w.must(w.request("bkt/many/", "@/down/"))
	compare(t, w.files("down"), want)
}
