package remote

import (
	"net/url"
	"testing"
)

// A body goes unsigned only where nobody can change it on the way.
func TestPrivate(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"https://s3.example.com": true, "http://127.0.0.1:8080/s3": true, "http://[::1]:8080": true,
		"http://s3.example.com": false, "http://10.0.0.1:9000": false, "http://localhost:9000": false,
	} {
		u, err := url.Parse(endpoint)
		if err != nil {
			t.Fatal(err)
		}
		if got := private(u, ""); got != want {
			t.Errorf("%s: %v", endpoint, got)
		}
	}
	if !private(&url.URL{Scheme: "http", Host: "coordinator.mesh"}, "/run/socket") {
		t.Error("a socket of this machine is not private")
	}
}
