package s3test_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// SPEC B4: an empty body is asked for too, or botocore reads the next answer on the
// connection wrongly and waits a minute.
func TestExpectContinueOfAnEmptyBody(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	u, err := url.Parse(srv.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	for _, body := range []string{"", "x", ""} {
		fmt.Fprintf(conn, "PUT %s/bkt/key HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n",
			u.Path, u.Host, srv.Secret, len(body))
		for _, want := range []int{http.StatusContinue, http.StatusOK} {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != want {
				t.Fatalf("body %q: %s, want %d", body, resp.Status, want)
			}
			_ = resp.Body.Close()
			if want == http.StatusContinue {
				fmt.Fprint(conn, body)
			}
		}
	}
}
