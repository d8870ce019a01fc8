package coordinator_test

import (
	"bufio"
	"crypto/md5" //nolint:gosec // Content-MD5
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
)

// begun sends the head of a request with a body, and returns once the coordinator, which has seen
// who asks by then, waits for the body.
func begun(t *testing.T, r *running, method, path, token, body string, header ...string) (finish func() (int, string)) {
	t.Helper()
	host := strings.TrimPrefix(r.status.URL, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n", method, path, host, token, len(body))
	if _, err := io.WriteString(c, head+strings.Join(append(header, "\r\n"), "\r\n")); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("%s %s: %q, %v", method, path, line, err)
	}
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return func() (int, string) {
		if _, err := io.WriteString(c, body); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(answer)
	}
}

// SPEC B8: who is removed, or whose token is replaced at once, while its request is under way does
// nothing with it: whatever the body is of, an admin's too.
func TestEndedUnderWay(t *testing.T) {
	r := serve(t, t.TempDir())
	ctx := t.Context()
	if _, err := r.admin.AddPeer(ctx, coordinator.AddPeer{Name: "root", Grants: []authn.Grant{{Role: authn.RoleAdmin}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.admin.CreateBucket(ctx, coordinator.NewBucket{Name: "team"}); err != nil {
		t.Fatal(err)
	}
	keeper := addPeer(t, r, "keeper")
	change(t, r, http.MethodPut, keeper.Token, "team/kept")
	none := time.Duration(0)
	ends := map[string]func(id string) error{
		"removed": func(id string) error { _, err := r.admin.RemovePeer(ctx, id); return err },
		"rotated": func(id string) error { _, err := r.admin.RotatePeer(ctx, id, &none); return err },
	}
	deletion := "<Delete><Object><Key>kept</Key></Object></Delete>"
	sum := md5.Sum([]byte(deletion)) //nolint:gosec // Content-MD5
	for _, c := range []struct{ method, path, body, header string }{
		{"POST", "/v1/peers", `{"name":"another","grants":[{"role":"admin"}]}`, ""},
		{"POST", "/v1/buckets", `{"name":"another"}`, ""},
		{"POST", "/v1/workspaces", `{"name":"another","backend":"managed"}`, ""},
		{"PUT", "/s3/team/new", "content", ""},
		{"POST", "/s3/team?delete", deletion, "Content-MD5: " + base64.StdEncoding.EncodeToString(sum[:])},
		{"POST", "/s3/team/new?uploadId=UPLOAD", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>d41d8cd98f00b204e9800998ecf8427e</ETag></Part></CompleteMultipartUpload>", ""},
		{"PUT", "/s3/team/kept?tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>", ""},
		{"PUT", "/s3/another", "<CreateBucketConfiguration><LocationConstraint>eu</LocationConstraint></CreateBucketConfiguration>", ""},
	} {
		for how, end := range ends {
			p := addPeer(t, r, "p", authn.Grant{Role: authn.RoleAdmin})
			path := c.path
			if strings.HasSuffix(path, "UPLOAD") {
				id := beginUpload(t, r, p.Token, "/s3/team/new")
				path = strings.Replace(path, "UPLOAD", id, 1)
				if status, err := ask(r, http.MethodPut, path+"&partNumber=1", p.Token, ""); err != nil || status != http.StatusOK {
					t.Fatal(status, err)
				}
			}
			var header []string
			if c.header != "" {
				header = append(header, c.header)
			}
			finish := begun(t, r, c.method, path, p.Token, c.body, header...)
			if err := end(p.ID); err != nil {
				t.Fatal(err)
			}
			if status, answer := finish(); status != http.StatusForbidden && status != http.StatusUnauthorized {
				t.Errorf("%s: %s %s is answered %d %s", how, c.method, c.path, status, answer)
			}
			if how == "rotated" {
				if _, err := r.admin.RemovePeer(ctx, p.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if list, err := r.admin.Peers(ctx); err != nil || len(list) != 2 {
		t.Errorf("peers %+v, %v", list, err)
	}
	if b, err := r.admin.Bucket(ctx, "team"); err != nil || b.Objects != 1 {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := r.admin.Bucket(ctx, "another"); err == nil {
		t.Error("a bucket was made")
	}
}

func beginUpload(t *testing.T, r *running, token, path string) (id string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.status.URL+path+"?uploads", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, id, _ = strings.Cut(string(answer), "<UploadId>")
	id, _, _ = strings.Cut(id, "<")
	return id
}

// SPEC B8: a token in its grace is still good for what is under way.
func TestRotatedUnderWayWithGrace(t *testing.T) {
	r := serve(t, t.TempDir())
	if _, err := r.admin.CreateBucket(t.Context(), coordinator.NewBucket{Name: "team"}); err != nil {
		t.Fatal(err)
	}
	p := addPeer(t, r, "p")
	finish := begun(t, r, http.MethodPut, "/s3/team/new", p.Token, "content")
	hour := time.Hour
	if _, err := r.admin.RotatePeer(t.Context(), p.ID, &hour); err != nil {
		t.Fatal(err)
	}
	if status, answer := finish(); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
}

// SPEC B8: a download of who is removed meanwhile ends, and is seen to be cut off.
func TestDownloadEndsWithItsPeer(t *testing.T) {
	const size = 64 << 20 // more than the buffers of a connection
	r := serve(t, t.TempDir())
	if _, err := r.admin.CreateBucket(t.Context(), coordinator.NewBucket{Name: "team"}); err != nil {
		t.Fatal(err)
	}
	p := addPeer(t, r, "p")
	if status, answer := begun(t, r, http.MethodPut, "/s3/team/large", p.Token, strings.Repeat("x", size))(); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.status.URL+"/s3/team/large", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := r.admin.RemovePeer(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // a slow client's pause: it is asked twice a second whether it still may
	if n, err := io.Copy(io.Discard, resp.Body); err == nil || n >= size {
		t.Errorf("%d bytes came, %v", n, err)
	}
}
