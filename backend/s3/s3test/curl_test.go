package s3test_test

import (
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// SPEC B6, B9, E7
func TestCurl(t *testing.T) {
	t.Parallel()
	curl := program(t, "curl")
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	s := newShell(t, srv, "", "")
	s.write("f", []byte("hello"))
	user := srv.AccessKey + ":" + srv.Secret
	object := srv.Endpoint() + "/bkt/f"
	get := func(want string, args ...string) {
		t.Helper()
		if out := s.run(curl, append([]string{"-sf"}, args...)...); out != want {
			t.Errorf("curl %s: %q, want %q", strings.Join(args, " "), out, want)
		}
	}
	sigv4 := []string{"--aws-sigv4", "aws:amz:us-east-1:s3", "-u", user}

	get("", "-u", user, "-T", "f", object)
	get("hello", "-u", user, object)
	get("hello", "-H", "Authorization: Bearer "+srv.Secret, object)
	get("ell", "-H", "Authorization: Bearer "+srv.Secret, "-r", "1-3", object)
	get("", "-H", "Authorization: Bearer "+srv.Secret, "-H", "x-amz-copy-source: /bkt/f", "-X", "PUT", "-o", "/dev/null", object+"%20copy")
	get("hello", "-u", user, object+"%20copy")
	get("", append(sigv4, "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "-T", "f", object+"2")...)
	get("hello", append(sigv4, object+"2")...)
	// curl 7.88 sends no hash with a GET; one that it is given is checked.
	get("", append(sigv4, "-H", "x-amz-content-sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", "-T", "f", object+"3")...)
	s.shows(s.run(curl, append(sigv4, "-s", "-H", "x-amz-content-sha256: "+strings.Repeat("0", 64), "-T", "f", object+"4")...), "XAmzContentSHA256Mismatch")
	s.shows(s.run(curl, append(sigv4, "-s", srv.Endpoint())...), "<Name>bkt</Name>")
	s.shows(s.run(curl, append(sigv4, "-s", srv.Endpoint()+"/bkt?list-type=2&prefix=f2")...), "<Key>f2</Key>")
	// A path that leaves the bucket is a key inside it, or is refused; SPEC B13.
	get("", "--path-as-is", "-u", user, "-T", "f", srv.Endpoint()+"/bkt/../../up")
	get("hello", "--path-as-is", "-u", user, srv.Endpoint()+"/bkt/../../up")
	get("", "-u", user, "-X", "DELETE", object)

	for _, c := range []struct {
		want string // status and code
		args []string
	}{
		{"401 InvalidSecurity", []string{"-u", srv.AccessKey + ":wrong"}},
		{"401 InvalidAccessKeyId", []string{"-u", "nobody:x"}},
		{"401 InvalidToken", []string{"-H", "Authorization: Bearer wrong"}},
		{"401 AccessDenied", nil},
		{"401 InvalidRequest", []string{"-H", "Authorization: Digest x"}},
		{"403 SignatureDoesNotMatch", []string{"--aws-sigv4", "aws:amz:us-east-1:s3", "-u", srv.AccessKey + ":wrong"}},
		{"403 InvalidAccessKeyId", []string{"--aws-sigv4", "aws:amz:us-east-1:s3", "-u", "nobody:x"}},
		{"400 AuthorizationHeaderMalformed", []string{"--aws-sigv4", "aws:amz:us-east-1:ec2", "-u", user}},
		{"404 NoSuchKey", []string{"-u", user}},
	} {
		out := s.run(curl, append([]string{"-s", "-i", "-w", "%{http_code}", object}, c.args...)...)
		status, code, _ := strings.Cut(c.want, " ")
		s.shows(out, "<Code>"+code+"</Code>")
		if !strings.HasSuffix(out, status) {
			t.Errorf("%v: want %s\n%s", c.args, c.want, out)
		}
		if status == "401" {
			s.shows(out, "Basic realm=", "Bearer realm=")
		}
	}
}
