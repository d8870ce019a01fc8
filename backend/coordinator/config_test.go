package coordinator_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// SPEC B21: S2's coordinator.yaml, both forms of listen, and an unknown key with its line.
func TestLoadConfig(t *testing.T) {
	dir := t.TempDir()
	load := func(text string) (coordinator.Config, error) {
		path := filepath.Join(dir, "coordinator.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return coordinator.LoadConfig(path)
	}
	c, err := load("s3:\n  data_dir: /var/lib/tunnelmesh/s3\n  max_size: 10GB\n")
	if err != nil || c.S3.DataDir != "/var/lib/tunnelmesh/s3" || c.S3.MaxSize != 10<<30 {
		t.Errorf("as printed: %+v, %v", c, err)
	}
	c, err = load("s3: {data_dir: rel, max_size: 1048576}\nlisten: 127.0.0.1:9090\n")
	if err != nil || c.S3.DataDir != filepath.Join(dir, "rel") || c.Listen.Address != "127.0.0.1:9090" || c.S3.MaxSize != 1<<20 {
		t.Errorf("relative: %+v, %v", c, err)
	}
	c, err = load("s3: {data_dir: /d}\nlisten: {interface: lo, port: 8081}\n")
	if err != nil {
		t.Fatal(err)
	}
	if address, err := c.Listen.Resolve(false); err != nil || address != "127.0.0.1:8081" {
		t.Errorf("interface lo is %q, %v", address, err)
	}
	c, err = load("s3: {data_dir: /d, hosts: [coordinator.mesh, s3.mesh]}\n")
	if err != nil || len(c.S3.Hosts) != 2 || c.S3.Hosts[1] != "s3.mesh" {
		t.Errorf("hosts: %+v, %v", c, err)
	}
	for text, want := range map[string]string{
		"s3:\n  data_dir: /d\n  max_sise: 1\n": "3:",
		"s3: {max_size: 1}\n":                  "no s3.data_dir",
		"s3: {data_dir: /d, max_size: ten}\n":  "not a size",
		"s3: {data_dir: /d, hosts: ['a:80']}":  "no host name",
		"s3: [":                                "coordinator.yaml",
	} {
		if _, err := load(text); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// SPEC B2, B3: the mesh alone.
func TestResolve(t *testing.T) {
	for _, ok := range []string{"", "127.0.0.1:8080", "10.1.2.3:80", "192.168.0.1:0", "100.64.0.7:8080", "[fd00::1]:8080", "localhost:1"} {
		if _, err := (coordinator.Listen{Address: ok}).Resolve(false); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for _, public := range []string{"0.0.0.0:8080", "[::]:8080", "8.8.8.8:8080", "[2001:4860::1]:80"} {
		if _, err := (coordinator.Listen{Address: public}).Resolve(false); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %v", public, err)
		}
		if _, err := (coordinator.Listen{Address: public}).Resolve(true); err != nil {
			t.Errorf("%q with --insecure-bind: %v", public, err)
		}
	}
	for _, bad := range []string{"127.0.0.1", "host.example:80", "127.0.0.1:x", "127.0.0.1:70000"} {
		if _, err := (coordinator.Listen{Address: bad}).Resolve(true); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := (coordinator.Listen{Interface: "no-such-if0"}).Resolve(true); !fault.Is(err, fault.Usage) {
		t.Errorf("an interface that is not there: %v", err)
	}
}
