package s3test_test

import (
	"path/filepath"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// SPEC B4, B7, B12, B13: what testdata/journey.py asserts, with Debian's boto3.
func TestBoto3(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t)
	s := newShell(t, srv, srv.AccessKey, srv.Secret)
	python := program(t, "/usr/bin/python3")
	s.run(python, "-c", "import boto3") // apt-get install python3-boto3
	script, err := filepath.Abs("testdata/journey.py")
	if err != nil {
		t.Fatal(err)
	}
	s.run(python, script)
}
