package s3test_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc64"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/sigv4"
)

// debianAWS is aws-cli v2 of Debian's package.
const debianAWS = "/usr/bin/aws"

// newerAWS is an aws-cli on PATH beside Debian's; empty: none. Each start of an aws-cli
// takes a second of a core: the tests here begin no more than they need.
var newerAWS = sync.OnceValue(func() string {
	p, err := exec.LookPath("aws")
	if err != nil || p == debianAWS || exec.Command(p, "--version").Run() != nil {
		return ""
	}
	return p
})

// awsCLI runs one aws-cli against a server.
type awsCLI struct {
	*shell
	program string
	args    []string
}

func newAWS(t *testing.T, path string, srv *s3test.Server, key, secret string) *awsCLI {
	return &awsCLI{newShell(t, srv, key, secret), path, []string{"--endpoint-url", srv.Endpoint()}}
}

func (c *awsCLI) aws(args ...string) string {
	c.Helper()
	return c.run(c.program, append(slices.Clone(c.args), args...)...)
}

func (c *awsCLI) refused(want string, args ...string) {
	c.Helper()
	c.shell.refused(want, c.program, append(slices.Clone(c.args), args...)...)
}

// SPEC B4, B12, B13, E7
func TestAWSCLI(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t)
	s := newAWS(t, program(t, debianAWS), srv, srv.AccessKey, srv.Secret)
	odd := "tree/odd ü+name &=%41.txt"
	s.write("tree/a.txt", []byte("a"))
	s.write("tree/sub/b.txt", nil)
	s.write(odd, []byte("odd"))
	s.write("big", randomBytes(50_000_000))
	s.aws("s3", "mb", "s3://bkt")
	s.shows(s.aws("s3", "ls"), "bkt")
	s.aws("s3", "cp", "big", "s3://bkt/big", "--quiet") // multipart from 8 MiB
	s.aws("s3", "cp", "s3://bkt/big", "down", "--quiet")
	s.same("big", "down")
	s.aws("s3", "sync", "tree", "s3://bkt/tree//x", "--quiet")
	s.shows(s.aws("s3", "ls", "s3://bkt/tree//x/"), "PRE sub/", "a.txt", "odd ü+name &=%41.txt")
	s.hides(s.aws("s3", "sync", "tree", "s3://bkt/tree//x"), "upload") // nothing changed
	s.aws("s3", "sync", "s3://bkt/tree//x", "back", "--quiet")
	s.same(odd, strings.Replace(odd, "tree", "back", 1))
	s.aws("s3", "cp", "s3://bkt/big", "s3://bkt/copy", "--quiet") // UploadPartCopy
	s.aws("s3", "mv", "s3://bkt/copy", "s3://bkt/moved", "--quiet")
	s.aws("s3api", "get-object", "--bucket", "bkt", "--key", "moved", "--range", "bytes=49999990-", "tail")
	if i, err := os.Stat(s.dir + "/tail"); err != nil || i.Size() != 10 {
		t.Errorf("the range: %v %v", i, err)
	}
	s.shows(s.aws("s3", "ls", "s3://bkt", "--recursive", "--summarize"), "Total Objects: 5", "Total Size: 100000004")
	s.refused("BucketNotEmpty", "s3", "rb", "s3://bkt")
	s.aws("s3", "rm", "s3://bkt", "--recursive", "--quiet")
	s.aws("s3", "rb", "s3://bkt")
}

// SPEC B7, E7: presigned URLs, and each wrong credential's own code.
func TestAWSCLIPresigned(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	curl := program(t, "curl")
	for _, path := range []string{program(t, debianAWS), newerAWS()} {
		if path == "" {
			t.Log("NOT TESTED: there is no second aws-cli")
			continue
		}
		s := newAWS(t, path, srv, srv.AccessKey, srv.Secret)
		key := "a/b//c d+ü&=%41"
		s.run(curl, "-sf", "-u", srv.AccessKey+":"+srv.Secret, "-X", "PUT", "-d", "odd", srv.Endpoint()+"/bkt/"+sigv4.Escape(key, true))
		url := strings.TrimSpace(s.aws("s3", "presign", "s3://bkt/"+key))
		if strings.Contains(url, "AWSAccessKeyId") {
			// aws-cli v1 presigns with V2 by default, which is refused with advice (M).
			s.shows(s.run(curl, "-s", url), "aws configure set default.s3.signature_version s3v4")
			s.write(".aws/config", []byte("[default]\ns3 =\n  signature_version = s3v4\n")) // what that command writes
			url = strings.TrimSpace(s.aws("s3", "presign", "s3://bkt/"+key, "--expires-in", "60"))
		}
		if out := s.run(curl, "-s", url); out != "odd" {
			t.Errorf("presigned by %s: %s", path, out)
		}
		s.shows(s.run(curl, "-s", strings.Replace(url, "bkt/a", "bkt/A", 1)), "SignatureDoesNotMatch")
	}
	newAWS(t, debianAWS, srv, srv.AccessKey, "wrong").refused("SignatureDoesNotMatch", "s3", "ls")
	newAWS(t, debianAWS, srv, "nobody", "x").refused("InvalidAccessKeyId", "s3", "ls")
}

// SPEC B28, E6: a scoped pair used directly.
func TestAWSCLIScoped(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t)
	srv.CreateBucket(t, "shared")
	key, secret := srv.AddScoped("shared", "ws1/", false)
	s := newAWS(t, program(t, debianAWS), srv, key, secret)
	s.write("f", []byte("mine"))
	s.aws("s3", "cp", "f", "s3://shared/ws1/f")
	for _, args := range [][]string{
		{"cp", "f", "s3://shared/ws2/f"},
		{"ls", "s3://shared/ws2/"},
		{"mb", "s3://another"},
	} {
		s.refused("AccessDenied", append([]string{"s3"}, args...)...)
	}
}

// The seed's three commands, where aws-cli is new enough to know endpoint_url (2.13, 1.29). SPEC B5
func TestConfigureAsPrinted(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t)
	srv.CreateBucket(t, "build-artifacts")
	aws := newerAWS()
	if aws == "" {
		t.Skip("NOT TESTED: Debian's aws-cli 2.9 does not know endpoint_url in its configuration; put 2.13 or 1.29 on PATH")
	}
	s := newShell(t, srv, "", "")
	var major, minor int
	if _, err := fmt.Sscanf(s.run(aws, "--version"), "aws-cli/%d.%d.", &major, &minor); err != nil {
		t.Fatal(err)
	}
	if (major == 2 && minor < 13) || (major == 1 && minor < 29) {
		t.Skipf("NOT TESTED: aws-cli %d.%d does not know endpoint_url in its configuration", major, minor)
	}
	s.env = slices.DeleteFunc(s.env, func(e string) bool {
		return strings.HasPrefix(e, "AWS_ACCESS") || strings.HasPrefix(e, "AWS_SECRET") || strings.HasPrefix(e, "AWS_DEFAULT")
	})
	s.run(aws, "configure", "set", "aws_access_key_id", srv.AccessKey)
	s.run(aws, "configure", "set", "aws_secret_access_key", srv.Secret)
	s.run(aws, "configure", "set", "default.endpoint_url", srv.Endpoint())
	s.shows(s.run(aws, "s3", "ls"), "build-artifacts")
	// What else the seed shows with this configuration, by a version that sends a CRC with all it sends.
	s.write("dist/myapp", randomBytes(9<<20))
	s.run(aws, "s3", "cp", "./dist/myapp", "s3://build-artifacts/v1.0/myapp", "--quiet")
	s.run(aws, "s3", "cp", "s3://build-artifacts/v1.0/myapp", "./myapp", "--quiet")
	s.same("dist/myapp", "myapp")
	s.shows(s.run(aws, "s3", "ls", "s3://build-artifacts/"), "PRE v1.0/")
	s.run(aws, "s3", "sync", "dist", "s3://build-artifacts/v1.0/", "--delete", "--quiet")
}

// checksums of "hello\n", by Python's zlib and hashlib, the polynomial of RFC 3720 by hand, and Go's hash/crc64.
var checksums = []struct{ algorithm, value string }{
	{"CRC32", "NjowIA=="},
	{"CRC32C", "NT3Yvg=="},
	{"SHA1", "9XLTlvrpIGYocU+yzgD3LpTyJY8="},
	{"CRC64NVME", nvme("hello\n")},
	{"SHA256", "WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM="},
}

func nvme(text string) string {
	sum := crc64.Checksum([]byte(text), crc64.MakeTable(0x9a6c9329ac4bc9b5))
	return base64.StdEncoding.EncodeToString([]byte{
		byte(sum >> 56), byte(sum >> 48), byte(sum >> 40), byte(sum >> 32), byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum),
	})
}

// The JSON of s3api is what scripts read, and the checksums that the client computes are
// the object's. SPEC B4 (wire facts), B12
func TestAWSCLIJSON(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	debian := newAWS(t, program(t, debianAWS), srv, srv.AccessKey, srv.Secret)
	s := debian
	s.write("f", []byte("hello\n"))
	api := func(v any, args ...string) {
		t.Helper()
		out := s.aws(append([]string{"--output", "json", "s3api"}, args...)...)
		if err := json.Unmarshal([]byte(out), v); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	put := func(algorithm, want string) {
		t.Helper()
		var answer map[string]any
		api(&answer, "put-object", "--bucket", "bkt", "--key", "k", "--body", "f", "--metadata", "a=b", "--checksum-algorithm", algorithm)
		if answer["Checksum"+algorithm] != want {
			t.Errorf("%s: %v, want %s", algorithm, answer, want)
		}
	}
	for _, c := range checksums {
		if s = debian; c.algorithm == "CRC64NVME" { // not known to 2.9
			if s = newer(t, srv); s == nil {
				continue
			}
			s.write("f", []byte("hello\n"))
		}
		put(c.algorithm, c.value)
	}
	s = debian
	var head struct {
		ChecksumSHA256 string
		ContentLength  int64
		Metadata       map[string]string
	}
	api(&head, "get-object", "--bucket", "bkt", "--key", "k", "--checksum-mode", "ENABLED", "down") // the client verifies
	s.holds("down", "hello\n")
	if head.ChecksumSHA256 == "" || head.ContentLength != 6 || head.Metadata["a"] != "b" {
		t.Errorf("%+v", head)
	}
	var list struct {
		Contents []struct {
			Key  string
			Size int64
		}
	}
	api(&list, "list-objects-v2", "--bucket", "bkt")
	if len(list.Contents) != 1 || list.Contents[0].Size != 6 {
		t.Errorf("%+v", list)
	}
	var deleted struct{ Deleted []struct{ Key string } }
	api(&deleted, "delete-objects", "--bucket", "bkt", "--delete", "Objects=[{Key=k},{Key=none}]")
	if len(deleted.Deleted) != 2 {
		t.Errorf("%+v", deleted)
	}
}

// newer is a client that knows CRC64NVME; nil: there is none.
func newer(t *testing.T, srv *s3test.Server) *awsCLI {
	t.Helper()
	path := newerAWS()
	if path == "" {
		return nil
	}
	s := newAWS(t, path, srv, srv.AccessKey, srv.Secret)
	// Without the library that computes it the client says so before it sends anything.
	s.write("empty", nil)
	out, err := s.try(path, append(slices.Clone(s.args), "s3api", "put-object", "--bucket", "bkt", "--key", "empty", "--body", "empty", "--checksum-algorithm", "CRC64NVME")...)
	if err != nil && (strings.Contains(out, "Unsupported checksum algorithm") || strings.Contains(strings.ToLower(out), "crt")) {
		t.Log("NOT TESTED: the second aws-cli does not know CRC64NVME")
		return nil
	}
	return s
}
