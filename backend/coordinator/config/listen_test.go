package config_test

import (
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// SPEC B2, B3: the mesh alone.
func TestResolve(t *testing.T) {
	for given, want := range map[string]string{
		"": "127.0.0.1:8080", "127.0.0.1:8080": "127.0.0.1:8080", "10.1.2.3:80": "10.1.2.3:80", "172.31.0.1:1": "172.31.0.1:1",
		"192.168.0.1:0": "192.168.0.1:0", "100.64.0.7:8080": "100.64.0.7:8080", "100.127.255.255:1": "100.127.255.255:1",
		"169.254.1.1:1": "169.254.1.1:1", "localhost:1": "127.0.0.1:1", "[::1]:1": "[::1]:1", "[fd00::1]:8080": "[fd00::1]:8080",
		"[fc00::1]:1": "[fc00::1]:1", "[fe80::1%mesh0]:1": "[fe80::1%mesh0]:1", "[::ffff:10.0.0.1]:1": "10.0.0.1:1",
	} {
		if got, err := (config.Listen{Address: given}).Resolve(false); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", given, got, err, want)
		}
	}
	for _, public := range []string{
		"0.0.0.0:8080", "[::]:8080", "8.8.8.8:8080", "172.32.0.1:1", "100.128.0.1:1", "192.0.2.1:1", "198.51.100.1:1", "224.0.0.1:1",
		"[2001:4860::1]:80", "[2001:db8::1]:1", "[::ffff:8.8.8.8]:1", "[::ffff:0.0.0.0]:1", "[64:ff9b::a00:1]:1", "[2002:a00:1::]:1", "[ff02::1%lo]:1",
	} {
		if _, err := (config.Listen{Address: public}).Resolve(false); !fault.Is(err, fault.Usage) || !strings.HasPrefix(err.Error(), "refusing to listen on ") {
			t.Errorf("%q: %v", public, err)
		}
		if _, err := (config.Listen{Address: public}).Resolve(true); err != nil {
			t.Errorf("%q with --insecure-bind: %v", public, err)
		}
	}
	for _, bad := range []string{"127.0.0.1", "host.example:80", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:-1", ":8080", "[fe80::1]:80", "::1:80"} {
		if _, err := (config.Listen{Address: bad}).Resolve(true); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// SPEC B2: an interface by name, and messages that name it.
func TestResolveInterface(t *testing.T) {
	if got, err := (config.Listen{Interface: "lo", Port: 8081}).Resolve(false); err != nil || got != "127.0.0.1:8081" {
		t.Errorf("lo is %q, %v", got, err)
	}
	if got, err := (config.Listen{Interface: "lo"}).Resolve(false); err != nil || got != "127.0.0.1:8080" {
		t.Errorf("lo without a port is %q, %v", got, err)
	}
	if _, err := (config.Listen{Interface: "no-such-if0"}).Resolve(true); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "no-such-if0") {
		t.Errorf("an interface that is not there: %v", err)
	}
}
