package s3test_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

func bearer(t *testing.T, srv *s3test.Server) (int, error) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, srv.Endpoint()+"/bkt", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+srv.Secret)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

func TestFaults(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	status := func(want int) {
		t.Helper()
		if got, err := bearer(t, srv); got != want || err != nil {
			t.Errorf("%d %v, want %d", got, err, want)
		}
	}
	status(200)
	srv.SetFailing(func(r *http.Request) int {
		if r.Method == http.MethodGet {
			return 503
		}
		return 0
	})
	status(503)
	srv.SetFailing(nil)
	srv.Down()
	if got, err := bearer(t, srv); err == nil {
		t.Errorf("a server that is down answered %d", got)
	}
	srv.Up()
	srv.SetDelay(50 * time.Millisecond)
	start := time.Now()
	status(200)
	if time.Since(start) < 50*time.Millisecond {
		t.Error("the answer was not delayed")
	}
	if n := len(srv.Requests()); n < 4 {
		t.Errorf("%d requests in the log", n)
	}
	srv.Forget()
	if n := len(srv.Requests()); n != 0 {
		t.Errorf("%d requests after Forget", n)
	}
}
