//go:build linux

package mounts_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// SPEC A35: no secret in argv, environ, the mount table, the log, a status or any file.
func TestNoSecretShows(t *testing.T) {
	w := newWorld(t)
	secret := w.creds.SecretAccessKey.Reveal()
	w.creds.SessionToken = keyring.Secret{}
	// What the user has exported does not travel on.
	for _, name := range []string{"ARTIFACTS_S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "RCLONE_S3_SECRET_ACCESS_KEY", "MY_PASSWORD"} {
		t.Setenv(name, secret)
	}
	s := w.mount()
	w.write("f", pattern(1, 20<<20))
	w.wantFile("f", pattern(1, 20<<20))
	w.drained()
	// Failures of every kind are logged too.
	for _, status := range []int{http.StatusForbidden, http.StatusInternalServerError} {
		w.store.SetFailing(func(*http.Request) int { return status })
		w.write("g", []byte("x"))
		w.until("it failed", func() bool {
			now, err := w.m.Find(t.Context(), "alpha")
			return err == nil && (now.Failed > 0 || now.Reason != "")
		})
		_, _ = os.ReadDir(w.path("nowhere"))
	}
	w.store.SetFailing(nil)

	found := map[string]string{}
	for _, name := range []string{"cmdline", "environ", "mounts"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.PID, name))
		if name == "environ" && os.Geteuid() != 0 {
			wantErrno(t, err, syscall.EACCES) // the process is not dumpable
			continue
		}
		must(t, err)
		found["/proc/PID/"+name] = string(data)
	}
	now, err := w.m.Find(t.Context(), "alpha")
	must(t, err)
	text, err := json.Marshal(now)
	must(t, err)
	found["status"] = string(text) + fmt.Sprintf("%+v", now)
	for _, root := range []string{w.roots.State, w.roots.Cache, w.roots.Config} {
		_ = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				data, _ := os.ReadFile(path)
				found[path] = string(data)
			}
			return nil
		})
	}
	if !strings.Contains(found["/proc/PID/cmdline"], "mountd-internal") {
		t.Errorf("cmdline: %q", found["/proc/PID/cmdline"])
	}
	if _, ok := found[s.Log]; !ok {
		t.Errorf("the log %s was not searched", s.Log)
	}
	for where, text := range found {
		for how, form := range map[string]string{
			"as it is": secret, "in base64": base64.StdEncoding.EncodeToString([]byte(secret)), "URL-encoded": url.QueryEscape(secret),
		} {
			if strings.Contains(text, form) {
				t.Errorf("the secret shows in %s, %s", where, how)
			}
		}
	}
	w.unmount()
}
