package coordinator

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
	"github.com/artifacts-tui/artifacts-tui/internal/eventstream"
)

// SPEC D5: a client that does not read holds nobody up, and is told that it lost something. One
// whose bucket is quiet is moved on, so that it loses nothing.
func TestSlowReaderIsTold(t *testing.T) {
	s, err := local.Open(local.Options{Dir: t.TempDir(), Reserve: -1, Idle: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	o, err := NewOrchestrator(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	peer, err := o.AddPeer(t.Context(), AddPeer{Name: "reader", Grants: []authn.Grant{{Role: authn.RoleBucketRead, Bucket: "*"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, bucket := range []string{"busy", "quiet"} {
		if err := s.CreateBucket(t.Context(), bucket, store.CreateBucketOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	ring := store.NewRing()
	e := newEvents(o, &orchestratorAPI{o: o, life: t.Context(), watch: watchers{log: slog.New(slog.DiscardHandler)}}, nil)
	e.feed, e.heartbeat, e.stall = ring, time.Millisecond, time.Minute
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	open := func(bucket string) *eventstream.Reader {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, server.URL+"?bucket="+bucket, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+peer.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		r := eventstream.NewReader(resp.Body)
		if ev, err := r.Next(); err != nil || ev.Name != eventstream.Begin {
			t.Fatalf("it begins with %+v, %v", ev, err)
		}
		return r
	}
	slow, quiet := open("busy"), open("quiet")

	// More than any buffer on the way holds, and far more than the ring keeps.
	pad := strings.Repeat("k", 1000)
	for i := range 40 {
		var batch []store.Change
		for j := range 1000 {
			batch = append(batch, store.Change{Kind: store.ChangePut, Bucket: "busy", Key: fmt.Sprint(i, "/", j, pad)})
		}
		ring.Publish(batch)
		head, _ := ring.Head(t.Context())
		for id := ""; id != string(head); { // it is read, and moved past what is not its own
			ev, err := quiet.Next()
			if err != nil || ev.Name != "" {
				t.Fatalf("the quiet stream: %+v, %v", ev, err)
			}
			id = ev.ID
		}
	}
	for seen := 0; ; seen++ {
		ev, err := slow.Next()
		if err != nil {
			t.Fatalf("after %d events: %v", seen, err)
		}
		if ev.Name == eventstream.Lost {
			break
		}
	}
	ring.Publish([]store.Change{{Kind: store.ChangeDelete, Bucket: "busy", Key: "end"}})
	for {
		ev, err := slow.Next()
		if err != nil {
			t.Fatal(err)
		}
		if ev.Name == eventstream.Delete {
			break
		}
	}
	if e.lost.Load() == 0 {
		t.Error("it is not counted")
	}
}
