//go:build linux

package mounts_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// clientOf is the bucket as the pair creds sees it.
func (w *world) clientOf(creds keyring.Credentials) *remote.Client {
	w.t.Helper()
	c, err := remote.New(remote.Options{Endpoint: w.spec.Endpoint, Bucket: bucket, Prefix: prefix, Keys: remote.NewKeys(creds)})
	must(w.t, err)
	w.t.Cleanup(c.Close)
	return c
}

// another is a second pair for the same prefix.
func (w *world) another(readOnly bool) keyring.Credentials {
	key, secret := w.store.AddScoped(bucket, prefix, readOnly)
	return keyring.Credentials{AccessKeyID: key, SecretAccessKey: keyring.NewSecret(secret)}
}

func (w *world) refresh(creds keyring.Credentials, wait time.Duration) (mounts.CredentialsAnswer, error) {
	_, a, err := w.m.RefreshCredentials(w.t.Context(), w.spec.Mountpoint, mounts.Spec{CredentialSource: "cache"}, creds, wait)
	return a, err
}

// SPEC A40b, D2, E5: a copy in and one out go through a swap whose former pair is
// revoked at once, without waiting for anything; then all requests carry the new key. A file
// that was half written goes on.
func TestRotationWhileCopying(t *testing.T) {
	w := newWorld(t)
	const size = 48 << 20
	there := pattern(7, size)
	w.putObject("remote", there)
	w.mount()
	half, err := os.Create(w.path("half"))
	must(t, err)
	defer half.Close()
	_, err = half.WriteString("first half, ")
	must(t, err)

	w.store.SetDelay(30 * time.Millisecond) // so that requests of the former pair are under way
	local := pattern(8, size)
	var copiedIn, copiedOut atomic.Int64
	done := make(chan error, 2)
	go func() { done <- copyCounting(w.path("in"), bytes.NewReader(local), &copiedIn) }()
	go func() {
		f, err := os.Open(w.path("remote"))
		if err == nil {
			defer f.Close()
			out := &bytes.Buffer{}
			_, err = io.Copy(io.MultiWriter(out, counter{&copiedOut}), f)
			if err == nil && !bytes.Equal(out.Bytes(), there) {
				err = fmt.Errorf("what was read is not what is there")
			}
		}
		done <- err
	}()
	w.until("both copies are under way", func() bool { return copiedIn.Load() > 8<<20 && copiedOut.Load() > 8<<20 })

	b := w.another(false)
	a, err := w.refresh(b, 0)
	must(t, err)
	w.store.Revoke(w.creds.AccessKeyID)
	w.store.Forget()
	if a.Fingerprint != b.Fingerprint() {
		t.Errorf("fingerprint %s, want %s", a.Fingerprint, b.Fingerprint())
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Errorf("a copy: %v", err)
		}
	}
	_, err = half.WriteString("second half")
	must(t, err)
	must(t, half.Close())
	w.store.SetDelay(0)
	if s := w.drained(); s.Failed != 0 || s.Fingerprint != b.Fingerprint() || s.CredentialSource != "cache" {
		t.Errorf("status: %+v", s)
	}
	for _, r := range w.store.Requests() {
		if r.AccessKey != b.AccessKeyID && r.AccessKey != w.creds.AccessKeyID {
			t.Errorf("%s %s is signed with %q", r.Method, r.Path, r.AccessKey)
		}
	}
	w.store.Forget()
	w.write("after", []byte("x"))
	w.unmount()
	for _, r := range w.store.Requests() {
		if r.AccessKey != b.AccessKeyID {
			t.Errorf("%s %s is signed with the former key", r.Method, r.Path)
		}
	}
	w.bucket = w.clientOf(b)
	w.wantObjects(map[string][]byte{"remote": there, "in": local, "half": []byte("first half, second half"), "after": []byte("x")})
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

func copyCounting(to string, from io.Reader, n *atomic.Int64) error {
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.MultiWriter(f, counter{n}), from)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// SPEC A40b: RefreshCredentials waits for the requests of the former pair, so that it may be
// revoked when it returns.
func TestRotationWaitsForFormerRequests(t *testing.T) {
	w := newWorld(t)
	w.mount()
	stuck, release := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	w.store.SetFailing(func(r *http.Request) int {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/slow") && once.CompareAndSwap(false, true) {
			close(stuck)
			<-release
		}
		return 0
	})
	w.write("slow", []byte("takes its time"))
	<-stuck
	b := w.another(false)
	a, err := w.refresh(b, 0)
	if err != nil || a.FormerRequests != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	waited := make(chan mounts.CredentialsAnswer)
	go func() {
		a, err := w.refresh(b, patience)
		if err != nil {
			t.Error(err)
		}
		waited <- a
	}()
	close(release)
	if a := <-waited; a.FormerRequests != 0 {
		t.Errorf("%d requests of the former pair are left", a.FormerRequests)
	}
	w.store.SetFailing(nil)
	w.unmount()
}

// SPEC A40b: a new secret of the same access key is another pair too: a request that was signed with the
// former secret counts, and where that is refused it is sent again with the new one.
func TestRotationOfTheSecretAlone(t *testing.T) {
	w := newWorld(t)
	w.mount()
	stuck, release := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	w.store.SetFailing(func(r *http.Request) int {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/slow") && once.CompareAndSwap(false, true) {
			close(stuck)
			<-release
		}
		return 0
	})
	w.write("slow", []byte("takes its time"))
	<-stuck
	key := w.creds.AccessKeyID
	next := keyring.Credentials{AccessKeyID: key, SecretAccessKey: keyring.NewSecret("the-second-secret-0123456789abcdef")}
	w.store.Rotate(key, next.SecretAccessKey.Reveal())
	a, err := w.refresh(next, 0)
	if err != nil || a.FormerRequests != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	w.store.Rotate(key, "the-third-secret-0123456789abcdefg") // the first is unknown from now on
	w.store.Forget()
	close(release)
	if s := w.drained(); s.Failed != 0 {
		t.Errorf("%+v", s.Failures)
	}
	again := 0
	for _, r := range w.store.Requests() {
		if r.Method == http.MethodPut && strings.HasSuffix(r.Path, "/slow") {
			again++
		}
	}
	if again != 1 {
		t.Errorf("sent %d times more, want 1", again)
	}
	w.unmount()
	w.bucket = w.clientOf(next)
	w.wantObjects(map[string][]byte{"slow": []byte("takes its time")})
}

// SPEC A41: a provider whose pair the store refuses replaces nothing.
func TestProviderOfARefusedPair(t *testing.T) {
	w := newWorld(t)
	i := newIssuer(w)
	first := i.issue(4 * time.Second)
	w.creds, w.spec.Provider, w.spec.CredentialProfile = first, i.provider(), "vault"
	w.mount()
	bad := i.issue(time.Hour)
	w.store.Revoke(bad.AccessKeyID)
	w.until("the refusal shows", func() bool {
		s, err := w.m.Find(t.Context(), w.spec.Mountpoint)
		if err == nil && s.Fingerprint != first.Fingerprint() {
			t.Fatal("a pair that the store refuses is in use")
		}
		return err == nil && s.Health == mounts.Degraded && strings.Contains(s.Reason, "the credentials end at") && strings.Contains(s.Reason, "does not know the access key")
	})
	good := i.issue(time.Hour)
	w.until("the next one is in use", func() bool {
		s, err := w.m.Find(t.Context(), w.spec.Mountpoint)
		return err == nil && s.Health == mounts.OK && s.Fingerprint == good.Fingerprint()
	})
	w.unmount()
}

// SPEC A40b: a pair that does not serve changes nothing: not known, without its secret, for
// reading alone, of another prefix.
func TestRotationRefused(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.write("f", []byte("x"))
	w.drained()
	otherKey, otherSecret := w.store.AddScoped(bucket, "elsewhere/", false)
	const wrong = "a-secret-that-is-wrong-0123456789"
	for name, creds := range map[string]keyring.Credentials{
		"unknown":        {AccessKeyID: "AKIANOBODYNOBODY0001", SecretAccessKey: keyring.NewSecret(wrong)},
		"wrong secret":   {AccessKeyID: w.another(false).AccessKeyID, SecretAccessKey: keyring.NewSecret(wrong)},
		"read only":      w.another(true),
		"another prefix": {AccessKeyID: otherKey, SecretAccessKey: keyring.NewSecret(otherSecret)},
	} {
		a, err := w.refresh(creds, time.Second)
		if !fault.Is(err, fault.Auth) || fault.As(err).Hint == "" || strings.Contains(err.Error(), creds.SecretAccessKey.Reveal()) {
			t.Errorf("%s: %v", name, err)
		}
		if a.Fingerprint != w.creds.Fingerprint() {
			t.Errorf("%s: the mount signs with %s", name, a.Fingerprint)
		}
	}
	if s := w.drained(); s.Health != mounts.OK || s.Fingerprint != w.creds.Fingerprint() {
		t.Errorf("status: %s %s", s.Health, s.Reason)
	}
	w.write("g", []byte("y"))
	w.unmount()
	w.wantObjects(map[string][]byte{"f": []byte("x"), "g": []byte("y")})
	if _, err := w.refresh(w.creds, 0); !fault.Is(err, fault.NotFound) {
		t.Errorf("no mount: %v", err)
	}
}

// SPEC A40b: a read-only mount takes a pair that may only read.
func TestRotationReadOnly(t *testing.T) {
	w := newWorld(t)
	w.putObject("f", []byte("x"))
	w.spec.ReadOnly = true
	w.mount()
	b := w.another(true)
	if _, err := w.refresh(b, time.Second); err != nil {
		t.Fatal(err)
	}
	w.store.Revoke(w.creds.AccessKeyID)
	w.wantFile("f", []byte("x"))
	w.unmount()
}

// SPEC A40b, D4: revoked keys show as degraded; with new ones the mount is well at once and
// what had been refused goes up.
func TestRotationHeals(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.known("")
	w.store.Revoke(w.creds.AccessKeyID)
	w.write("f", pattern(3, 100_000))
	w.until("the refusal shows", func() bool {
		s, err := w.m.Find(t.Context(), w.spec.Mountpoint)
		return err == nil && s.Health == mounts.Degraded && s.Failed == 1
	})
	b := w.another(false)
	if _, err := w.refresh(b, time.Second); err != nil {
		t.Fatal(err)
	}
	w.until("the mount is well", func() bool {
		s, err := w.m.Find(t.Context(), w.spec.Mountpoint)
		return err == nil && s.Health == mounts.OK && s.Pending() == 0
	})
	w.unmount()
	w.bucket = w.clientOf(b)
	w.wantObjects(map[string][]byte{"f": pattern(3, 100_000)})
}

// issuer is a command that prints pairs of the store which live for a few seconds; each is
// revoked soon after its end.
type issuer struct {
	w    *world
	file string
}

func newIssuer(w *world) *issuer { return &issuer{w, filepath.Join(w.t.TempDir(), "document")} }

func (i *issuer) provider() *keyring.Provider {
	return &keyring.Provider{Profile: "vault", Type: keyring.Process, Command: "cat " + i.file}
}

// issue has the command print another pair from now on.
func (i *issuer) issue(life time.Duration) keyring.Credentials {
	c := i.w.another(false)
	c.Expires = time.Now().Add(life).UTC()
	document := fmt.Sprintf(`{"Version":1,"AccessKeyId":%q,"SecretAccessKey":%q,"Expiration":%q}`,
		c.AccessKeyID, c.SecretAccessKey.Reveal(), c.Expires.Format(time.RFC3339Nano))
	must(i.w.t, os.WriteFile(i.file+".new", []byte(document), 0o600))
	must(i.w.t, os.Rename(i.file+".new", i.file))
	return c
}

// SPEC A41: a running mount asks its provider for a successor before the pair ends, again and
// again, while programs write; a provider that fails shows, and recovers.
func TestProviderInARunningMount(t *testing.T) {
	w := newWorld(t)
	i := newIssuer(w)
	first := i.issue(3 * time.Second)
	w.creds, w.spec.Provider, w.spec.CredentialSource, w.spec.CredentialProfile = first, i.provider(), "profile", "vault"
	w.mount()
	want := map[string][]byte{}
	for n, now := range []keyring.Credentials{first, {}, {}} {
		if n > 0 {
			former := w.creds
			now = i.issue(3 * time.Second)
			w.until("the successor is in use", func() bool {
				s, err := w.m.Find(t.Context(), w.spec.Mountpoint)
				return err == nil && s.Fingerprint == now.Fingerprint() && s.CredentialsEnd != nil && s.CredentialsEnd.Equal(now.Expires)
			})
			w.store.Revoke(former.AccessKeyID)
			w.creds = now
		}
		name := fmt.Sprintf("f%d", n)
		want[name] = pattern(n, 300_000)
		w.write(name, want[name])
	}
	must(t, os.Rename(i.file, i.file+".away"))
	w.until("the failure shows", func() bool {
		s, err := w.m.Find(t.Context(), w.spec.Mountpoint)
		return err == nil && s.Health == mounts.Degraded && strings.Contains(s.Reason, "the credentials end at") && strings.Contains(s.Reason, "vault")
	})
	last := i.issue(time.Hour)
	w.until("the mount is well", func() bool {
		s, err := w.m.Find(t.Context(), w.spec.Mountpoint)
		return err == nil && s.Health == mounts.OK && s.Fingerprint == last.Fingerprint() && s.CredentialProfile == "vault"
	})
	// Refused before its end: a successor is asked for at once.
	refused := i.issue(time.Hour)
	w.store.Revoke(last.AccessKeyID)
	want["late"] = []byte("y")
	w.write("late", want["late"])
	w.until("the refusal is healed", func() bool {
		s, err := w.m.Find(t.Context(), w.spec.Mountpoint)
		return err == nil && s.Fingerprint == refused.Fingerprint() && s.Pending() == 0
	})
	w.unmount()
	w.bucket = w.clientOf(refused)
	w.wantObjects(want)
}

// SPEC A35: no byte of a secret in anything of a mount process that others may see, through a
// mount, a swap, a refusal and a crash dump.
func TestMountLeaksNothing(t *testing.T) {
	w := newWorld(t)
	b := w.another(false)
	b.SessionToken = keyring.Secret{}
	s := w.mount()
	w.write("f", pattern(1, 100_000))
	w.drained()
	if _, err := w.refresh(b, time.Second); err != nil {
		t.Fatal(err)
	}
	const wrong = "wrong-secret-0123456789-abcdefghijklm"
	_, err := w.refresh(keyring.Credentials{AccessKeyID: b.AccessKeyID, SecretAccessKey: keyring.NewSecret(wrong)}, 0)
	if err == nil {
		t.Fatal("a wrong secret was taken")
	}
	seen := map[string][]byte{"the error": []byte(err.Error() + fault.As(err).Hint)}
	for _, name := range []string{"cmdline", "environ", "mountinfo"} {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.PID, name)); err == nil {
			seen[name] = text
		}
	}
	status, err := w.m.Find(t.Context(), w.spec.Mountpoint)
	must(t, err)
	seen["status"] = fmt.Appendf(nil, "%+v", status)
	// What a Go program prints when it is told to die with its goroutines goes to its log.
	must(t, unix.Kill(s.PID, unix.SIGQUIT))
	w.until("the process has died", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", s.PID))
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID))
		return os.IsNotExist(err) || strings.Contains(string(stat), ") Z ")
	})
	for _, root := range []string{w.roots.State, w.roots.Cache, w.roots.Config} {
		must(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				seen[path], err = os.ReadFile(path)
			}
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}))
	}
	if !bytes.Contains(seen[s.Log], []byte("goroutine ")) {
		t.Error("the log has no dump: the test would see nothing")
	}
	for _, secret := range []string{w.creds.SecretAccessKey.Reveal(), b.SecretAccessKey.Reveal(), wrong} {
		for _, form := range []string{
			secret, base64.StdEncoding.EncodeToString([]byte(secret)), url.QueryEscape(secret), secret[len(secret)-8:],
		} {
			for where, text := range seen {
				if bytes.Contains(text, []byte(form)) {
					t.Errorf("a secret shows in %s", where)
				}
			}
		}
	}
}
