package backend

import (
	"net"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// SPEC C12, B21: a coordinator's URL is kept in one form, and what is none is refused without being repeated.
func TestCoordinatorURL(t *testing.T) {
	for text, want := range map[string]string{
		"http://coordinator.mesh:8080":  "http://coordinator.mesh:8080",
		"HTTP://Coordinator.Mesh:8080/": "http://coordinator.mesh:8080",
		"http://10.0.0.1:80/s3":         "http://10.0.0.1",
		"https://c.mesh:443/s3/":        "https://c.mesh",
		"https://c.mesh:80":             "https://c.mesh:80",
		"http://[fd00::1]:8080":         "http://[fd00::1]:8080",
	} {
		if got, err := coordinatorURL(text); err != nil || got != want {
			t.Errorf("%s: %q %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "coordinator.mesh", "coordinator.mesh:8080", "ftp://c.mesh", "http://", "http://:8080", "http://c.mesh/v1", "http://c.mesh/?mesh_tok",
		"http://c.mesh#mesh_tok", "http://ada:mesh_tok@c.mesh", "http://ada:mesh_tok%zz@c.mesh", "http://mesh_tok@c.mesh",
	} {
		if _, err := coordinatorURL(text); !fault.Is(err, fault.Usage) || strings.Contains(err.Error()+fault.As(err).Hint, "mesh_tok") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// SPEC C12: the token travels in clear without a warning on this machine, in private networks and
// meshes alone.
func TestOwnNetwork(t *testing.T) {
	for text, own := range map[string]bool{
		"127.0.0.1": true, "::1": true, "10.1.2.3": true, "192.168.1.1": true, "172.16.0.1": true, "100.64.0.1": true, "100.127.255.255": true,
		"fd00::1": true, "fe80::1": true, "169.254.1.1": true, "100.128.0.1": false, "8.8.8.8": false, "172.32.0.1": false, "2001:db8::1": false,
	} {
		if got := ownNetwork(net.ParseIP(text)); got != own {
			t.Errorf("%s: %v", text, got)
		}
	}
}
