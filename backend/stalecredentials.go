package backend

import (
	"context"

	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// fromCoordinator is the source of a managed workspace's pair.
const fromCoordinator keyring.Source = "coordinator"

// fromLogin is the source of a mesh workspace's pair: the peer's own.
const fromLogin keyring.Source = "login"

// sourceOf is what a mount says of where its pair is from. A pair of the environment that
// the cache holds too counts as the cache's: that is where later mounts find it.
func (a *App) sourceOf(r keyring.Resolved) string {
	if r.PairSource == keyring.FromEnv {
		if e, err := a.cache.Stat(); err == nil && e.Fingerprint == r.Fingerprint() {
			return string(keyring.FromCache)
		}
	}
	return string(r.PairSource)
}

// Mounts lists this user's mounts, stale ones included. One whose cache holds another pair than
// it was given is flagged (SPEC A40).
func (a *App) Mounts(ctx context.Context) ([]mounts.Status, error) {
	list, err := a.mounts.List(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].StaleCredentials = a.staleCredentials(list[i])
	}
	return list, nil
}

// staleCredentials compares with what the file says of the pair: the OS keyring is not
// asked. A pair of the environment, or one that a provider issued, has no cache to differ from.
func (a *App) staleCredentials(m mounts.Status) bool {
	var cache keyring.Cache
	switch keyring.Source(m.CredentialSource) {
	case keyring.FromCache:
		cache = a.cache
	case keyring.FromProfile:
		cache = a.profiles.Pair(m.CredentialProfile)
	case fromLogin:
		now := a.loginFingerprint(m.Coordinator)
		return now != "" && m.Fingerprint != "" && now != m.Fingerprint
	default:
		return false
	}
	e, err := cache.Stat()
	return err == nil && e.Fingerprint != "" && m.Fingerprint != "" && e.Fingerprint != m.Fingerprint
}

// loginFingerprint is that of the pair that a peer has now; empty where it is not known.
func (a *App) loginFingerprint(coordinator string) string {
	list, _, err := a.contexts.List()
	if err != nil {
		return ""
	}
	for _, c := range list {
		if c.Name == coordinator {
			return c.Fingerprint
		}
	}
	id, err := a.identities.Last()
	if err != nil || coordinator != keyring.LocalContext {
		return ""
	}
	return keyring.Credentials{AccessKeyID: id.Peer, SecretAccessKey: id.Token}.Fingerprint()
}
