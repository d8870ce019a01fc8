package api_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// Not even a signature that could be sent again is in the log. SPEC A35
func TestLogHoldsNoSecret(t *testing.T) {
	var log bytes.Buffer
	srv := s3test.Start(t, s3test.WithLog(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))))
	srv.CreateBucket(t, "bkt")
	put(t, owner(srv), "bkt", "k", "x")
	p := s3.NewPresignClient(owner(srv), func(o *s3.PresignOptions) { o.Expires = time.Hour })
	req := must[*v4.PresignedHTTPRequest](t)(p.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k")}))
	send(t, must[*http.Request](t)(http.NewRequest(http.MethodGet, req.URL, nil))).want(t, 200, "")
	raw{method: "GET", path: "/bkt/k", header: map[string]string{"Authorization": "Bearer " + srv.Secret}}.do(t, srv).want(t, 200, "")
	raw{method: "GET", path: "/bkt/k", header: map[string]string{"Authorization": "Bearer wrong-but-secret"}}.do(t, srv).want(t, 401, "InvalidToken")
	raw{method: "GET", path: "/bkt/k", header: basic(srv.AccessKey, srv.Secret)}.do(t, srv).want(t, 200, "")
	if !strings.Contains(log.String(), "path=/s3/bkt/k") {
		t.Fatalf("nothing was logged: %s", log.String())
	}
	for _, secret := range []string{srv.Secret, "wrong-but-secret", "Signature", "Bearer", "Basic"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}
