package s3test

import (
	"context"
	"crypto/rand"
	"sync"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/api"
)

// Identities is an api.Identities in memory.
type Identities struct {
	mu      sync.Mutex
	ids     map[string]api.Identity // by access key
	secrets map[string]string
	old     map[string]string
}

var (
	_ api.Identities = (*Identities)(nil)
	_ api.Rotating   = (*Identities)(nil)
)

// NewIdentities knows nobody.
func NewIdentities() *Identities {
	return &Identities{ids: map[string]api.Identity{}, secrets: map[string]string{}, old: map[string]string{}}
}

// Add makes an access key known.
func (s *Identities) Add(id api.Identity, accessKey, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id.AccessKeyID = accessKey
	s.ids[accessKey], s.secrets[accessKey] = id, secret
}

// AddScoped makes a new pair that opens a prefix of a bucket.
func (s *Identities) AddScoped(bucket, prefix string, readOnly bool) (accessKey, secret string) {
	accessKey, secret = "AK"+rand.Text(), rand.Text()+rand.Text()
	s.Add(api.Identity{ID: accessKey, Scope: &api.Scope{Bucket: bucket, Prefix: prefix, ReadOnly: readOnly}}, accessKey, secret)
	return accessKey, secret
}

// Rotate replaces a secret; the old one stays valid until Remove.
func (s *Identities) Rotate(accessKey, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.old[accessKey], s.secrets[accessKey] = s.secrets[accessKey], secret
}

// Remove ends a key.
func (s *Identities) Remove(accessKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ids, accessKey)
	delete(s.secrets, accessKey)
	delete(s.old, accessKey)
}

// AccessKey implements api.Identities.
func (s *Identities) AccessKey(_ context.Context, accessKey string) (api.Identity, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.ids[accessKey]
	if !ok {
		return api.Identity{}, "", api.ErrUnknown
	}
	return id, s.secrets[accessKey], nil
}

// PreviousSecret implements api.Rotating.
func (s *Identities) PreviousSecret(_ context.Context, accessKey string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.old[accessKey], nil
}

// Token implements api.Identities.
func (s *Identities) Token(_ context.Context, bearer string) (api.Identity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, secret := range s.secrets {
		if secret == bearer || (s.old[key] != "" && s.old[key] == bearer) {
			return s.ids[key], nil
		}
	}
	return api.Identity{}, api.ErrUnknown
}
