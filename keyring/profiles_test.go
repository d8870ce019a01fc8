package keyring_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// SPEC A41: profiles by name, one file of mode 0600, 50 writers at once, and nothing secret in it.
func TestProfiles(t *testing.T) {
	p := keyring.Profiles{Dir: t.TempDir()}
	if list, err := p.List(); err != nil || len(list) != 0 {
		t.Fatalf("none yet: %v, %v", list, err)
	}
	if _, err := p.Get("prod"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a profile that is not there: %v", err)
	}
	for _, bad := range []keyring.Profile{
		{Name: "no type"},
		{Name: "../up", Type: keyring.Static},
		{Name: "x", Type: "magic"},
		{Name: "x", Type: keyring.Process},
		{Name: "x", Type: keyring.AWS},
		{Name: "x", Type: keyring.Static, Command: "false"},
		{Name: "x", Type: keyring.Process, Command: "c", AWSProfile: "a"},
	} {
		if err := p.Add(bad); !fault.Is(err, fault.Usage) || fault.As(err).Hint == "" {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := p.Add(keyring.Profile{Name: "prod", Type: keyring.Static, Region: "eu-west-2"}); err != nil {
		t.Fatal(err)
	}
	if err := p.Add(keyring.Profile{Name: "prod", Type: keyring.Static}); !fault.Is(err, fault.Conflict) {
		t.Errorf("twice: %v", err)
	}
	if err := p.MakeRoom(); err != nil {
		t.Fatal(err)
	}
	if err := p.Pair("prod").Save(pair(envKey, envSecret, "", "")); err != nil {
		t.Fatal(err)
	}
	if err := p.Bind("w1", "nobody"); !fault.Is(err, fault.NotFound) {
		t.Errorf("bound to a profile that is not there: %v", err)
	}
	if err := p.Bind("w1", "prod"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if err := p.Bind("many-"+strings.Repeat("x", i), "prod"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if b, err := p.Bindings(); err != nil || len(b) != 51 {
		t.Errorf("%d bindings, %v", len(b), err)
	}
	if err := p.Remove("prod"); !fault.Is(err, fault.Conflict) {
		t.Errorf("removed although bound: %v", err)
	}
	text, err := os.ReadFile(p.Path())
	if err != nil || strings.Contains(string(text), envSecret) || strings.Contains(string(text), envKey) {
		t.Errorf("%s, %v", text, err)
	}
	if info, err := os.Stat(p.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	b, _ := p.Bindings()
	for id := range b {
		if err := p.Unbind(id); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Remove("prod"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.Pair("prod").Path); !os.IsNotExist(err) {
		t.Errorf("the pair stays: %v", err)
	}
	// A file that was edited by hand says which line is wrong.
	if err := os.WriteFile(p.Path(), []byte("profiles:\n  prod:\n    type: static\n    colour: blue\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.List(); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "[4:5]") || !strings.Contains(err.Error(), "colour") {
		t.Errorf("an unknown field: %v", err)
	}
	if err := p.Add(keyring.Profile{Name: "more", Type: keyring.Static}); !fault.Is(err, fault.Usage) {
		t.Errorf("a damaged file was replaced: %v", err)
	}
}

// SPEC A15, A41: the chain with profiles: who goes first, whose region counts, and no fallback.
func TestChainWithProfiles(t *testing.T) {
	dir := t.TempDir()
	p := keyring.Profiles{Dir: dir}
	if err := p.MakeRoom(); err != nil {
		t.Fatal(err)
	}
	for _, profile := range []keyring.Profile{{Name: "prod", Type: keyring.Static, Region: "eu-prod-1"}, {Name: "empty", Type: keyring.Static}, {Name: "bound", Type: keyring.Static}} {
		if err := p.Add(profile); err != nil {
			t.Fatal(err)
		}
	}
	const prodKey, boundKey = "AKIAPRODPRODPROD0001", "AKIABOUNDBOUNDBO0001"
	cache := keyring.NewCache(dir, nil)
	for path, cr := range map[string]keyring.Credentials{
		cache.Path: pair(cacheKey, cacheSecret, "", "eu-cache-1"), p.Pair("prod").Path: pair(prodKey, envSecret, "", ""),
		p.Pair("bound").Path: pair(boundKey, envSecret, "", "eu-bound-1"),
	} {
		if err := (keyring.Cache{Path: path}).Save(cr); err != nil {
			t.Fatal(err)
		}
	}
	envPair := map[string]string{keyring.EnvAccessKeyID: envKey, keyring.EnvSecretAccessKey: envSecret}
	for name, tt := range map[string]struct {
		env                      map[string]string
		profile, bound, of       string // of: the workspace's region
		key, region              string
		pairSource, regionSource keyring.Source
		notice                   bool
		err                      fault.Kind
	}{
		"the cache":                      {key: cacheKey, region: "eu-cache-1", pairSource: keyring.FromCache, regionSource: keyring.FromCache},
		"the workspace's region":         {of: "eu-ws-1", key: cacheKey, region: "eu-ws-1", pairSource: keyring.FromCache, regionSource: keyring.FromWorkspace},
		"a binding":                      {bound: "bound", key: boundKey, region: "eu-bound-1", pairSource: keyring.FromProfile, regionSource: keyring.FromProfile},
		"the variable before a binding":  {env: map[string]string{keyring.EnvProfile: "prod"}, bound: "bound", key: prodKey, region: "eu-prod-1", pairSource: keyring.FromProfile, regionSource: keyring.FromProfile},
		"the flag before the variable":   {env: map[string]string{keyring.EnvProfile: "empty"}, profile: "prod", key: prodKey, region: "eu-prod-1", pairSource: keyring.FromProfile, regionSource: keyring.FromProfile},
		"the environment before a flag":  {env: envPair, profile: "prod", key: envKey, region: "eu-prod-1", pairSource: keyring.FromEnv, regionSource: keyring.FromProfile, notice: true},
		"the environment's region alone": {env: map[string]string{keyring.EnvRegion: "eu-env-1"}, profile: "prod", key: prodKey, region: "eu-env-1", pairSource: keyring.FromProfile, regionSource: keyring.FromEnv},
		"a profile without a pair":       {profile: "empty", err: fault.Usage},
		"a profile that is not there":    {profile: "nobody", err: fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			chain := keyring.Chain{Getenv: func(k string) string { return tt.env[k] }, Cache: cache, Profiles: p, Profile: tt.profile, Bound: tt.bound, Region: tt.of}
			r, err := chain.Resolve(t.Context())
			if tt.err != 0 {
				if !fault.Is(err, tt.err) || r.Complete() {
					t.Errorf("%v, %v", r.AccessKeyID, err)
				}
				return
			}
			if err != nil || r.AccessKeyID != tt.key || r.Region != tt.region || r.PairSource != tt.pairSource || r.RegionSource != tt.regionSource || (r.Notice != "") != tt.notice {
				t.Errorf("key %s region %s from %s/%s, notice %q, %v", r.AccessKeyID, r.Region, r.PairSource, r.RegionSource, r.Notice, err)
			}
			if r.Provider() != nil {
				t.Error("a static pair has a provider")
			}
		})
	}
}
