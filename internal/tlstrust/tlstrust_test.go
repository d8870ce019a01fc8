package tlstrust_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
)

// SPEC C12: a pinned certificate is taken although nobody known signed it, another is refused.
func TestPin(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	right := tlstrust.Fingerprint(srv.Certificate())
	wrong := strings.Repeat("ab", 32)
	get := func(pin string) error {
		config, err := tlstrust.Config("", pin)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{TLSClientConfig: config}
		defer transport.CloseIdleConnections()
		res, err := (&http.Client{Transport: transport}).Get(srv.URL)
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	if err := get(right); err != nil {
		t.Errorf("pinned: %v", err)
	}
	if err := get(""); err == nil {
		t.Error("a certificate that nobody known signed was taken")
	}
	var changed *tlstrust.Changed
	if err := get(wrong); !errors.As(err, &changed) || changed.Met != right || changed.Pinned != wrong {
		t.Errorf("another certificate: %v", err)
	}
}

// SPEC C12: fingerprints as openssl and as sha256sum print them.
func TestParseFingerprint(t *testing.T) {
	plain := strings.Repeat("0a", 32)
	for _, text := range []string{plain, strings.ToUpper(plain), tlstrust.Colons(plain), strings.ToLower(tlstrust.Colons(plain))} {
		if got, err := tlstrust.ParseFingerprint(text); err != nil || got != plain {
			t.Errorf("%s: %s %v", text, got, err)
		}
	}
	for _, text := range []string{"", plain[2:], plain + "00", plain[1:] + "x", " " + plain} {
		if _, err := tlstrust.ParseFingerprint(text); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
