package systemd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/systemd"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// daemon is a unit of the machine whose program is there.
func daemon(t *testing.T) systemd.Daemon {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "100% pro gram")
	must(t, os.WriteFile(exe, []byte("#!/bin/sh\n"), 0o755))
	return systemd.Daemon{
		Name: "artifacts-test.service", Description: "A server at 100%", By: "coordinator service", System: true, State: "artifacts-test",
		Command: append([]string{exe}, hurting...), Environment: []string{"HOME=/var/lib/100% x"}, Writable: []string{"/srv/a b%", "/srv/2"},
	}
}

// SPEC B21: the verifier finds nothing in the unit, in any of its forms, and counts a unit of
// the machine among the well shut ones.
func TestDaemon(t *testing.T) {
	plain, session := daemon(t), daemon(t)
	session.System = false
	open := daemon(t)
	open.User, open.LowPort, open.HomesSeen, open.TmpSeen = "nobody", true, true, true
	for name, c := range map[string]struct {
		unit     systemd.Daemon
		flag     string
		has, not []string
	}{
		"machine": {plain, "--system", []string{
			"ProtectSystem=strict", `ReadWritePaths="/srv/a b%%"`, "CapabilityBoundingSet=", "PrivateTmp=yes", "ProtectHome=yes", "NoNewPrivileges=yes",
			"StateDirectory=artifacts-test", "ExecReload=/bin/kill -HUP $MAINPID", "Restart=on-failure", "After=network-online.target", "WantedBy=multi-user.target",
		}, []string{"User="}},
		"open": {open, "--system", []string{"User=nobody", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE", "ProtectHome=read-only"}, []string{"PrivateTmp="}},
		"session": {session, "--user", []string{"NoNewPrivileges=yes", "SystemCallFilter=@system-service", "WantedBy=default.target"}, []string{
			"ProtectSystem=", "CapabilityBoundingSet=", "StateDirectory=", "PrivateTmp=", // a session's manager fails on them, or warns
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path, err := systemd.Write(dir, c.unit)
			must(t, err)
			text, err := os.ReadFile(path)
			must(t, err)
			lines := strings.Split(string(text), "\n")
			for _, want := range c.has {
				if !slices.Contains(lines, want) {
					t.Errorf("no line %s in\n%s", want, text)
				}
			}
			for _, not := range c.not {
				if strings.Contains(string(text), "\n"+not) {
					t.Errorf("%s in\n%s", not, text)
				}
			}
			verify := exec.Command("systemd-analyze", c.flag, "verify", path)
			verify.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "LC_ALL=C.UTF-8"}
			if said, err := verify.CombinedOutput(); err != nil || len(bytes.TrimSpace(said)) > 0 {
				t.Errorf("systemd-analyze verify: %v\n%s", err, said)
			}
			if !c.unit.System {
				return
			}
			// 3.0 of 10; a unit without any of it has 9.6.
			if said, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--threshold=30", path).CombinedOutput(); err != nil {
				t.Errorf("systemd-analyze security: %v\n%s", err, said)
			}
			found, err := systemd.Remove(dir, c.unit.Name)
			left, _ := os.ReadDir(dir)
			if err != nil || !found || len(left) > 0 {
				t.Errorf("Remove: %v, %v; it left %v", found, err, left)
			}
		})
	}
}

// What a line of a unit file cannot hold is refused.
func TestDaemonRefused(t *testing.T) {
	for _, set := range []func(*systemd.Daemon){
		func(d *systemd.Daemon) { d.Command[0] += "\n" }, func(d *systemd.Daemon) { d.Writable[0] = "/a\nb" },
		func(d *systemd.Daemon) { d.Environment[0] = "A=\t" }, func(d *systemd.Daemon) { d.User = "x\ny" },
	} {
		d := daemon(t)
		set(&d)
		if text, err := d.Text(); !fault.Is(err, fault.Usage) {
			t.Errorf("%v: %s", err, text)
		}
	}
}
