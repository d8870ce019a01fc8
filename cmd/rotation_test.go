//go:build linux

package cmd_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// gateway is a versitygw with accounts, for tests that are not scripts.
type gateway struct {
	t        *testing.T
	endpoint string
}

const (
	gatewayKey    = "AKIAROOTROOTROOT726M"
	gatewaySecret = "root-secret-0123456789-abcdefg03S"
)

func startGateway(t *testing.T, bucket string) gateway {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"iam", filepath.Join("data", bucket)} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	c := exec.Command(gatewayProgram(), "--port", address, "--iam-dir", filepath.Join(dir, "iam"), "--iam-cache-disable", "posix", filepath.Join(dir, "data"))
	c.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+gatewayKey, "ROOT_SECRET_KEY="+gatewaySecret)
	if err := c.Start(); err != nil {
		t.Fatalf("versitygw (make test builds it): %v", err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	g := gateway{t: t, endpoint: "http://" + address}
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
			return g
		}
		if time.Now().After(deadline) {
			t.Fatal("versitygw does not listen")
		}
	}
}

func gatewayProgram() string {
	if path, err := exec.LookPath("versitygw"); err == nil {
		return path
	}
	return filepath.Join(os.Getenv("ARTIFACTS_TEST_TOOLS"), "versitygw")
}

func (g gateway) account(args ...string) {
	g.t.Helper()
	args = append([]string{"admin", "--access", gatewayKey, "--secret", gatewaySecret, "--endpoint-url", g.endpoint}, args...)
	if out, err := exec.Command(gatewayProgram(), args...).CombinedOutput(); err != nil {
		g.t.Fatalf("versitygw: %v\n%s", err, out)
	}
}

func (g gateway) add(key, secret string) {
	g.t.Helper()
	g.account("create-user", "--access", key, "--secret", secret, "--role", "admin")
}

// SPEC E5, E12, A35, A40b, D2: a rotation by keys in a real terminal, with a real mount whose
// former key is revoked; and then no byte of a secret in anything: what the terminal got, files, logs,
// argv and environ of every process of the program, JSON.
func TestRotationByKeys(t *testing.T) {
	const (
		keyA, secretA = "KEYAKEYAKEYAKEYA0001", "secret/A+0123456789=abcdefghijkA9tail"
		keyB, secretB = "KEYBKEYBKEYBKEYB0001", "secret/B+0123456789=abcdefghijkB9tail"
		keyC, secretC = "KEYCKEYCKEYCKEYC0001", "secret/C+0123456789=abcdefghijkC9tail" // never known to the store
	)
	for _, size := range []struct{ columns, rows int }{{80, 24}, {40, 10}, {200, 60}} {
		t.Run(fmt.Sprintf("%dx%d", size.columns, size.rows), func(t *testing.T) {
			g := startGateway(t, "acme")
			g.add(keyA, secretA)
			g.add(keyB, secretB)
			home := t.TempDir()
			term := openTerminal(t, home, size.columns, size.rows)
			term.see("No workspaces yet")
			term.withEnv([]string{"ARTIFACTS_S3_ACCESS_KEY_ID=" + keyA, "ARTIFACTS_S3_SECRET_ACCESS_KEY=" + secretA}, "workspace", "create", "train", "--backend", "byo", "--bucket", "acme", "--endpoint", g.endpoint)
			mnt := filepath.Join(home, "mnt", "train")
			term.withEnv(nil, "mount", "train", mnt, "--create")
			file, err := os.Create(filepath.Join(mnt, "open"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			term.see("train")

			term.press("4")
			term.press("R")
			term.see("global", "KEYA***0001")
			// A pair that the store does not know is not saved.
			term.press("r")
			term.see("what")
			term.press(enter)
			term.see("of the new pair") // behind the dialog there are words like those of its steps
			term.press(keyC + "\t")
			term.paste(secretC)
			term.press("\t\t" + enter)
			term.see("✗ train")
			term.press("b")
			term.see("new keys", keyC[:3])
			term.press("\x15" + keyB + "\t\x15")
			term.paste(secretB)
			term.press("\t\t" + enter)
			term.see("✓ train")
			term.press(enter)
			term.see("KEYB***0001")
			term.press(enter)
			term.see("keep the form")
			term.press(" ")
			term.see("refresh")
			term.press(enter)
			term.see("The pair is rotated")
			g.account("delete-user", "--access", keyA)
			if _, err := file.WriteString("through the new pair"); err != nil {
				t.Error(err)
			}
			if err := file.Close(); err != nil {
				t.Error(err)
			}
			term.press(enter)
			term.lose("The pair is rotated")
			term.see("KEYB***0001")

			out, err := term.command("status", "--format", "json")
			if err != nil {
				t.Fatal(err)
			}
			var status struct{ Mounts []mounts.Status }
			if err := json.Unmarshal(out, &status); err != nil || len(status.Mounts) != 1 || status.Mounts[0].StaleCredentials {
				t.Fatalf("%v: %s", err, out)
			}
			seen := map[string]string{"status": string(out)}
			for _, args := range [][]string{
				{"storage", "show"},
				{"storage", "show", "--format", "json"},
				{"storage", "explain", "train", "--format", "json"},
				{"mount", "list", "--format", "json"},
				{"storage", "verify", "--format", "json"},
				{"workspace", "show", "train", "--format", "json"},
			} {
				out, _ := term.command(args...)
				seen[strings.Join(args, " ")] = string(out)
			}
			for _, pid := range programPids(t) {
				for _, name := range []string{"cmdline", "environ"} {
					if text, err := os.ReadFile(fmt.Sprintf("/proc/%s/%s", pid, name)); err == nil {
						seen[name+" of "+pid] = string(text)
					}
				}
			}
			if out, err := term.command("unmount", mnt); err != nil {
				t.Errorf("unmount: %v %s", err, out)
			}
			term.press("q")
			if err := <-term.ended; err != nil {
				t.Errorf("the app ended with %v", err)
			}
			term.mu.Lock()
			seen["the terminal"] = term.raw.String()
			term.mu.Unlock()
			filesBelow(t, home, seen)
			searchSecrets(t, seen, secretA, secretB, secretC)
		})
	}
}

// paste is what a terminal sends of a paste, in brackets.
func (term *terminal) paste(text string) { term.press("\x1b[200~" + text + "\x1b[201~") }

// withEnv runs a command that must succeed, with more environment.
func (term *terminal) withEnv(env []string, args ...string) {
	term.t.Helper()
	c := exec.Command(filepath.Join(programDir, "artifacts-tui"), args...)
	c.Env, c.Dir = append(append([]string(nil), term.env...), env...), term.home
	if out, err := c.CombinedOutput(); err != nil {
		term.t.Fatalf("%q: %v\n%s", args, err, out)
	}
}

// programPids are the processes of the program under test that may be looked at, whoever started
// them: a mount lets root alone do so.
func programPids(t *testing.T) (pids []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if exe, err := os.Readlink("/proc/" + e.Name() + "/exe"); err == nil && strings.HasPrefix(exe, programDir) {
			pids = append(pids, e.Name())
		}
	}
	least := 2 // the app and a coordinator
	if os.Geteuid() == 0 {
		least++ // a mount
	}
	if len(pids) < least {
		t.Errorf("processes %v", pids)
	}
	return pids
}

// filesBelow reads every file below home but the 0600 ones that are made to keep secrets.
func filesBelow(t *testing.T, home string, seen map[string]string) {
	t.Helper()
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if !d.Type().IsRegular() || name == "byo-credentials" || name == "mesh-identity.json" {
			return nil
		}
		text, err := os.ReadFile(path)
		seen[path] = string(text)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// searchSecrets wants none of the secrets anywhere, in any form.
func searchSecrets(t *testing.T, seen map[string]string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), url.QueryEscape(secret), secret[len(secret)-8:]} {
			for where, text := range seen {
				if strings.Contains(text, form) {
					t.Errorf("a secret shows in %s", where)
				}
			}
		}
	}
}
