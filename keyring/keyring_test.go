package keyring_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

const (
	envKey, envSecret     = "AKIAENVIRONMENT0726M", "env-secret-0123456789-abcdefghi"
	cacheKey, cacheSecret = "AKIACACHEDCACHED0001", "cache-secret-0123456789-abcdefg"
)

func pair(key, secret, token, region string) keyring.Credentials {
	return keyring.Credentials{
		AccessKeyID: key, SecretAccessKey: keyring.NewSecret(secret),
		SessionToken: keyring.NewSecret(token), Region: region,
	}
}

// SPEC A28: first four, three stars, last four; short values show nothing.
func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"short":                "***",
		"fifteen-letters":      "***",
		"sixteen--letters":     "sixt***ters",
		"AKIAIOSFODNN7EX726M0": "AKIA***26M0",
	} {
		if got := keyring.Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}

// SPEC A35: no way of printing a Secret shows it.
func TestSecretNeverShows(t *testing.T) {
	s := keyring.NewSecret(envSecret)
	c := pair(envKey, envSecret, envSecret, "")
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "secret", s, "credentials", c)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "credentials", c)
	inJSON, err := json.Marshal(map[string]any{"s": s, "c": c, "p": &c})
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{
		log.String(), string(inJSON), s.String(), s.GoString(), fmt.Sprint(s, &s, c, &c),
		fmt.Sprintf("%v %+v %#v %s %q %x %X %d %10.3s", s, s, s, s, s, s, s, s, s),
		fmt.Sprintf("%v %+v %#v %s %q %x", c, c, c, c, c, c),
		fmt.Errorf("wrapped: %w", errors.New(s.String())).Error(),
	}
	for _, text := range shown {
		if strings.Contains(text, envSecret) || strings.Contains(text, fmt.Sprintf("%x", envSecret)) {
			t.Errorf("the secret shows in %q", text)
		}
	}
	if s.Reveal() != envSecret {
		t.Error("Reveal lost the value")
	}
}

// SPEC A13, A14, A15, A15a, A15b: the precedence matrix.
func TestChain(t *testing.T) {
	cached := pair(cacheKey, cacheSecret, "cached-token", "us-west-1")
	tests := []struct {
		name   string
		env    map[string]string
		cached *keyring.Credentials
		want   keyring.Credentials
		pair   keyring.Source
		region keyring.Source
		err    string
	}{
		{
			name: "env pair wins, and takes no token of the cache", cached: &cached,
			env:  map[string]string{keyring.EnvAccessKeyID: envKey, keyring.EnvSecretAccessKey: envSecret},
			want: pair(envKey, envSecret, "", "us-west-1"), pair: keyring.FromEnv, region: keyring.FromCache,
		},
		{
			name: "cache where the env is empty", cached: &cached,
			env:  map[string]string{keyring.EnvAccessKeyID: "", keyring.EnvSecretAccessKey: ""},
			want: cached, pair: keyring.FromCache, region: keyring.FromCache,
		},
		{
			name: "region alone comes from the env", cached: &cached,
			env:  map[string]string{keyring.EnvRegion: "eu-west-2"},
			want: pair(cacheKey, cacheSecret, "cached-token", "eu-west-2"), pair: keyring.FromCache, region: keyring.FromEnv,
		},
		{
			name: "env token alone does not join a cached pair", cached: &cached,
			env:  map[string]string{keyring.EnvSessionToken: "env-token"},
			want: cached, pair: keyring.FromCache, region: keyring.FromCache,
		},
		{
			name: "env only, region unset",
			env:  map[string]string{keyring.EnvAccessKeyID: envKey, keyring.EnvSecretAccessKey: envSecret, keyring.EnvSessionToken: "t"},
			want: pair(envKey, envSecret, "t", ""), pair: keyring.FromEnv, region: keyring.Unset,
		},
		{
			name: "key without secret", cached: &cached,
			env: map[string]string{keyring.EnvAccessKeyID: envKey},
			err: "ARTIFACTS_S3_ACCESS_KEY_ID is set but ARTIFACTS_S3_SECRET_ACCESS_KEY is not; refusing to combine it with the cached secret",
		},
		{
			name: "secret without key", cached: &cached,
			env: map[string]string{keyring.EnvSecretAccessKey: envSecret},
			err: "ARTIFACTS_S3_SECRET_ACCESS_KEY is set but ARTIFACTS_S3_ACCESS_KEY_ID is not; refusing to combine it with the cached secret",
		},
		{name: "nothing anywhere", err: "no S3 credentials in the environment or in "},
		{
			name: "AWS_* are not in the chain (SPEC A15c)",
			env:  map[string]string{"AWS_ACCESS_KEY_ID": envKey, "AWS_SECRET_ACCESS_KEY": envSecret},
			err:  "no S3 credentials in the environment or in ",
		},
		{
			name: "a line break in the env",
			env:  map[string]string{keyring.EnvAccessKeyID: envKey, keyring.EnvSecretAccessKey: envSecret + "\n"},
			err:  "credentials in the environment refused: SECRET_ACCESS_KEY holds a line break or NUL",
		},
		{
			name: "a blank in the env",
			env:  map[string]string{keyring.EnvAccessKeyID: "AKIA XYZ", keyring.EnvSecretAccessKey: envSecret},
			err:  "credentials in the environment refused: ACCESS_KEY_ID holds a blank",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := keyring.NewCache(t.TempDir(), nil)
			if tt.cached != nil {
				if err := file.Save(*tt.cached); err != nil {
					t.Fatal(err)
				}
			}
			got, err := keyring.Chain{Getenv: func(k string) string { return tt.env[k] }, Cache: file}.Resolve(t.Context())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || !fault.Is(err, fault.Usage) {
					t.Fatalf("error %v, want usage: %s", err, tt.err)
				}
				if strings.Contains(err.Error(), envSecret) {
					t.Fatalf("the error shows the secret: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Credentials != tt.want || got.PairSource != tt.pair || got.RegionSource != tt.region {
				t.Errorf("got key %q token %v region %q from %s/%s", got.AccessKeyID, got.SessionToken, got.Region, got.PairSource, got.RegionSource)
			}
		})
	}
}

// SPEC A10, A12: 0600 under any umask, the documented lines, refused links.
func TestFile(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := t.TempDir()
	var warnings []string
	file := keyring.NewCache(dir, func(w string) { warnings = append(warnings, w) })
	if _, err := file.Load(); !errors.Is(err, keyring.ErrNotFound) {
		t.Fatalf("no file: %v", err)
	}
	want := pair(cacheKey, cacheSecret, "", "us-west-1")
	if err := file.Save(want); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file.Path)
	if err != nil {
		t.Fatal(err)
	}
	if got := "ACCESS_KEY_ID=" + cacheKey + "\nSECRET_ACCESS_KEY=" + cacheSecret + "\nREGION=us-west-1\n"; string(text) != got {
		t.Errorf("file is %q, want %q", text, got)
	}
	info, err := os.Stat(file.Path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %04o", info.Mode().Perm())
	}

	if err := os.Chmod(file.Path, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := file.Load(); err != nil || got.Credentials != want {
		t.Errorf("Load = %v, %v", got, err)
	}
	if info, _ := os.Stat(file.Path); info.Mode().Perm() != 0o600 || len(warnings) != 1 {
		t.Errorf("a loose mode: %04o, warnings %q", info.Mode().Perm(), warnings)
	}

	if err := file.Save(pair("a", "b\nREGION=x", "", "")); !fault.Is(err, fault.Usage) {
		t.Errorf("a line break was stored: %v", err)
	}
	link := keyring.Cache{Path: filepath.Join(dir, "link")}
	if err := os.Symlink(file.Path, link.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := link.Load(); !fault.Is(err, fault.Auth) {
		t.Errorf("a symlink was read: %v", err)
	}
	if err := os.WriteFile(file.Path, []byte("ACCESS_KEY_ID=x\n"+cacheSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Load(); err == nil || !strings.Contains(err.Error(), "line 2") || strings.Contains(err.Error(), cacheSecret) {
		t.Errorf("a damaged file: %v", err)
	}
}

// SPEC E4: parallel changes leave a whole file that has them all seen in turn.
func TestFileParallelUpdates(t *testing.T) {
	file := keyring.NewCache(t.TempDir(), nil)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := file.Update(func(c *keyring.Entry) error { c.Region += "x"; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if c, err := file.Load(); err != nil || len(c.Region) != 50 {
		t.Errorf("after 50 updates: %q, %v", c.Region, err)
	}
}

// SPEC A15c: keys in an endpoint are refused and not repeated.
func TestCheckEndpoint(t *testing.T) {
	for _, ok := range []string{"https://s3.example.com", "http://127.0.0.1:9000/s3"} {
		if err := keyring.CheckEndpoint(ok); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for _, bad := range []string{"https://KEY:SECRET@host", "KEY:SECRET@host", "s3.example.com", "ftp://host", "https://"} {
		err := keyring.CheckEndpoint(bad)
		if !fault.Is(err, fault.Usage) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// SPEC A40: a fingerprint names a pair, whatever its region.
func TestFingerprint(t *testing.T) {
	a := pair(envKey, envSecret, "", "x")
	b := pair(envKey, envSecret, "", "y")
	if a.Fingerprint() != b.Fingerprint() || a.Fingerprint() == pair(envKey, cacheSecret, "", "x").Fingerprint() {
		t.Error("fingerprints do not follow the pair")
	}
}
