package backend

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/user"
	"path/filepath"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// identity is who this user is to a coordinator: the peer's id is the access key
// of the mesh store and its token the secret (SPEC B6).
type identity struct {
	Coordinator string // id of the coordinator that gave the token
	Peer        string
	Token       keyring.Secret
}

// storedIdentity is identity as the 0600 file has it.
type storedIdentity struct {
	Coordinator string `json:"coordinator"`
	Peer        string `json:"peer"`
	Token       string `json:"token"`
}

// IdentityFile is where the peer's id and token are kept, mode 0600.
func (a *App) IdentityFile() string { return filepath.Join(a.opt.Roots.Config, "mesh-identity.json") }

func (a *App) loadIdentity() (identity, error) {
	text, err := os.ReadFile(a.IdentityFile())
	if errors.Is(err, os.ErrNotExist) {
		return identity{}, fault.New(fault.Auth, "ask its admin to enrol you as a peer", "no mesh identity in %s", a.IdentityFile())
	}
	if err != nil {
		return identity{}, err
	}
	var s storedIdentity
	if err := json.Unmarshal(text, &s); err != nil {
		// The text may hold the token: do not repeat what was found in it.
		return identity{}, fault.New(fault.Failure, "remove it; a local coordinator enrols you again", "%s is damaged", a.IdentityFile())
	}
	return identity{Coordinator: s.Coordinator, Peer: s.Peer, Token: keyring.NewSecret(s.Token)}, nil
}

// enrol makes this user a peer of a coordinator it is the local admin of, once,
// and returns who it is.
func (a *App) enrol(ctx context.Context, link coordinatorLink) (identity, error) {
	id, err := a.loadIdentity()
	if err == nil && id.Coordinator == link.status.ID {
		return id, nil
	}
	if a.opt.Offhand {
		return identity{}, nil
	}
	if err != nil && !fault.Is(err, fault.Auth) {
		return identity{}, err
	}
	if a.opt.ReadOnly {
		return identity{}, fault.New(fault.Auth, "run `artifacts whoami` once: that adds it", "you are no peer of the coordinator yet, and --read-only adds none")
	}
	if err := a.ensureRoot(a.opt.Roots.Config, "config"); err != nil {
		return identity{}, err
	}
	p, err := link.AddPeer(ctx, coordinator.AddPeer{Name: localName(), Grants: []authn.Grant{{Role: authn.RoleAdmin}}, Another: true})
	if err != nil {
		return identity{}, err
	}
	text, err := json.MarshalIndent(storedIdentity{Coordinator: link.status.ID, Peer: p.ID, Token: p.Token}, "", "  ")
	if err != nil {
		return identity{}, err
	}
	if err := atomicfile.Write(a.IdentityFile(), append(text, '\n'), 0o600); err != nil {
		return identity{}, fault.Wrap(fault.Failure, err, "make the config root writable", "cannot keep the mesh identity")
	}
	return identity{Coordinator: link.status.ID, Peer: p.ID, Token: keyring.NewSecret(p.Token)}, nil
}

func localName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "local"
}
