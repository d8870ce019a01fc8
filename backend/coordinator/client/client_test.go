package client_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// SPEC A35: a server that repeats the token it was shown does not bring it to the screen.
func TestTokenIsNotRepeated(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		token := r.Header.Get("Authorization")
		_, _ = w.Write([]byte(`{"error":{"code":"auth","message":"you sent ` + token + `","hint":"` + token + `?"}}`))
	}))
	defer srv.Close()
	c := client.Remote(srv.URL, "mesh_0123456789")
	defer c.Close()
	_, err := c.Status(t.Context())
	if e := fault.As(err); !fault.Is(err, fault.Auth) || strings.Contains(e.Error()+e.Hint, "mesh_0123456789") || !strings.Contains(e.Error(), "you sent Bearer ***") {
		t.Errorf("%v", err)
	}
}

// A redirect is an answer that no coordinator gives, and nobody else is shown the token. SPEC C12
func TestRedirectIsNotFollowed(t *testing.T) {
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	srv := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	c := client.Remote(srv.URL, "mesh_0123456789")
	defer c.Close()
	if _, err := c.Status(t.Context()); !fault.Is(err, fault.Failure) || asked != 0 {
		t.Errorf("%v, asked %d times", err, asked)
	}
}
