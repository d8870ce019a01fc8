package coordinator

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
)

// A full disk is said as that, without the coordinator's paths. SPEC C14
func TestFullDiskIsSaid(t *testing.T) {
	a := &orchestratorAPI{watch: watchers{log: slog.New(slog.DiscardHandler)}}
	w := httptest.NewRecorder()
	a.fail(w, &os.PathError{Op: "write", Path: "/var/lib/store/packs/1", Err: syscall.ENOSPC}, http.StatusForbidden)
	if text := w.Body.String(); w.Code != http.StatusForbidden || !strings.Contains(text, `"quota_exceeded"`) || strings.Contains(text, "/var/lib") {
		t.Errorf("%d %s", w.Code, text)
	}
}
