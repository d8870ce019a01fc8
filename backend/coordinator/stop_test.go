package coordinator_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
)

// SPEC B21: a stop says so on /readyz, goes on serving for the time of `drain`, and an upload that runs then ends well.
func TestStopLetsRequestsEnd(t *testing.T) {
	dir := t.TempDir()
	r := serveWith(t, coordinator.ServeOptions{Config: config.Config{
		S3: config.S3{DataDir: dir}, Listen: config.Listen{Address: "127.0.0.1:0"}, Drain: config.Duration(3 * time.Second),
	}})
	peer, err := r.admin.AddPeer(t.Context(), coordinator.AddPeer{Name: "uploader"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.admin.CreateBucket(t.Context(), coordinator.NewBucket{Name: "team"}); err != nil {
		t.Fatal(err)
	}
	body, feed := io.Pipe()
	req, err := http.NewRequest(http.MethodPut, r.status.URL+"/s3/team/late", body)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = 2
	req.Header.Set("Authorization", "Bearer "+peer.Token)
	answered := make(chan int, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	if _, err := feed.Write([]byte("o")); err != nil { // it is under way
		t.Fatal(err)
	}
	if _, err := r.admin.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := 0 // after the stop had begun
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		begun := strings.Contains(r.log.String(), "coordinator is stopping")
		resp, err := http.Get(r.status.URL + "/readyz")
		if err != nil {
			break // it listens no more
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("/readyz of one that stops: %s", resp.Status)
		}
		if begun {
			told++
		}
	}
	if told == 0 {
		t.Error("it stops without having told of it")
	}
	if _, err := feed.Write([]byte("k")); err != nil {
		t.Fatal(err)
	}
	_ = feed.Close()
	if got := <-answered; got != http.StatusOK {
		t.Errorf("the upload under way: %d", got)
	}
	r.stop()
}
