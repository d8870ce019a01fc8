package api_test

import (
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/api"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// A peer that is removed while it sends a body writes nothing with it, nor a part. SPEC B8
func TestRemovedWhileSending(t *testing.T) {
	for name, path := range map[string]string{"object": "/bkt/k", "part": "/bkt/k?partNumber=1&uploadId="} {
		t.Run(name, func(t *testing.T) {
			srv := s3test.Start(t)
			srv.CreateBucket(t, "bkt")
			peer, secret := srv.AddPeer("peer")
			if name == "part" {
				path += must[string](t)(srv.Store.CreateUpload(ctx, store.UploadInfo{Bucket: "bkt", Key: "k", Owner: peer}))
			}
			const body = "what a removed peer sends"
			r := raw{method: "PUT", path: path, key: peer, secret: secret, body: body}.request(t, srv)
			pr, pw := io.Pipe()
			r.Body, r.ContentLength = pr, int64(len(body))
			answered := make(chan answer, 1)
			go func() { answered <- send(t, r) }()
			if _, err := io.WriteString(pw, body[:5]); err != nil {
				t.Fatal(err)
			}
			srv.Revoke(peer)
			if _, err := io.WriteString(pw, body[5:]); err != nil {
				t.Fatal(err)
			}
			_ = pw.Close()
			a := <-answered
			a.want(t, 403, "InvalidAccessKeyId")
			if b := must[store.BucketInfo](t)(srv.Store.Bucket(ctx, "bkt")); b.Objects != 0 || b.Total() != 0 {
				t.Errorf("the bucket holds %+v", b.Usage)
			}
		})
	}
}

// mask is SPEC A28's.
func mask(secret string) string {
	if len(secret) < 16 {
		return "***"
	}
	return secret[:4] + "***" + secret[len(secret)-4:]
}

// Every decision is told, with who asked for what and why not; and never a secret. SPEC C21
func TestDecisions(t *testing.T) {
	var mu sync.Mutex
	var told []api.Decision
	srv := s3test.Start(t, s3test.WithAudit(func(d api.Decision) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, d)
	}))
	system(t, srv)
	srv.CreateBucket(t, "bkt")
	key, secret := srv.AccessKey, srv.Secret
	raw{method: "PUT", path: "/bkt/a", key: key, secret: secret, body: "x"}.do(t, srv)
	raw{method: "PUT", path: "/bkt/b", key: key, secret: secret, header: map[string]string{"X-Amz-Copy-Source": "/_tunnelmesh/peers/a.json"}}.do(t, srv)
	raw{method: "GET", path: "/bkt/a", key: key, secret: "wrong"}.do(t, srv)
	raw{method: "GET", path: "/bkt/a", header: map[string]string{"Authorization": "Bearer a-wrong-token"}}.do(t, srv)
	raw{method: "GET", path: "/bkt/a"}.do(t, srv)
	raw{method: "GET", path: "/bkt/a", key: secret, secret: key}.do(t, srv) // mixed up
	raw{method: "POST", path: "/bkt?delete", key: key, secret: secret, header: map[string]string{"Content-Md5": "kQ5Vt1Z6EYCUWDwmWVVGRg=="}, body: "<Delete/>"}.do(t, srv)
	mu.Lock()
	defer mu.Unlock()
	lines := make([]string, len(told))
	for i, d := range told {
		lines[i] = strings.Join([]string{d.Identity, d.AccessKeyID, d.Action, d.Bucket, d.Key, map[bool]string{true: "yes", false: d.Reason}[d.Allowed]}, " ")
		if d.RequestID == "" || d.Remote == "" {
			t.Errorf("%+v", d)
		}
		if strings.Contains(lines[i], secret) || strings.Contains(lines[i], "a-wrong-token") {
			t.Errorf("a secret: %s", lines[i])
		}
	}
	for _, want := range []string{
		key + " " + key + " Write bkt a yes",
		key + " " + key + " Write bkt b yes",
		key + " " + key + " Read _tunnelmesh peers/a.json AccessDenied",
		" " + key + " Authenticate   SignatureDoesNotMatch",
		"  Authenticate   InvalidToken",
		"  Authenticate   AccessDenied",
		" " + mask(secret) + " Authenticate   InvalidAccessKeyId",
		key + " " + key + " SeeBucket bkt  yes",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("%q was not told; these were:\n%s", want, strings.Join(lines, "\n"))
		}
	}
}
