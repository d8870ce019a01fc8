package coordinator

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/api"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// s3Path is where the store is served, whatever the host and port (SPEC B1).
const s3Path = "/s3"

func newS3(s *store.Store, o *Orchestrator, hosts []string, log *slog.Logger) http.Handler {
	return api.New(api.Config{Store: s, Identities: o, BasePath: s3Path, Hosts: hosts, Log: log})
}

func isS3Path(escaped string) bool {
	return escaped == s3Path || strings.HasPrefix(escaped, s3Path+"/")
}

// AccessKey returns who an access key id is, and the secret it signs with: a
// peer's id goes with its mesh token, a scoped pair with its own (SPEC B6, B28).
func (o *Orchestrator) AccessKey(_ context.Context, id string) (authn.Identity, string, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if p, ok := o.state.peers[id]; ok {
		return peerIdentity(p), p.Token, nil
	}
	if p, ok := o.state.pairs[id]; ok {
		return authn.Identity{
			ID: "workspace:" + p.WorkspaceID, AccessKeyID: id,
			Scope: &authn.Scope{Bucket: p.Bucket, Prefix: p.Prefix, ReadOnly: p.ReadOnly},
		}, p.SecretAccessKey, nil
	}
	return authn.Identity{}, "", authn.ErrUnknown
}

// Token returns which peer shows a mesh token.
func (o *Orchestrator) Token(_ context.Context, token string) (authn.Identity, error) {
	p, ok := o.peerByToken(token)
	if !ok {
		return authn.Identity{}, authn.ErrUnknown
	}
	return peerIdentity(p), nil
}

func peerIdentity(p Peer) authn.Identity {
	return authn.Identity{ID: p.ID, AccessKeyID: p.ID, Roles: p.Roles}
}
