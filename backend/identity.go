package backend

import (
	"context"
	"errors"
	"os/user"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// IdentityFile is where the peer's id and token are kept, mode 0600.
func (a *App) IdentityFile() string { return a.identities.Path }

// enrol makes this user a peer of a coordinator it is the local admin of, once,
// and returns who it is.
func (a *App) enrol(ctx context.Context, link coordinatorLink) (keyring.Identity, error) {
	if a.opt.Offhand || a.opt.ReadOnly {
		id, err := a.identities.Of(link.status.ID)
		switch {
		case err == nil:
		case a.opt.Offhand:
			return keyring.Identity{}, nil
		case errors.Is(err, keyring.ErrNotFound):
			err = fault.New(fault.Auth, "run `artifacts whoami` once: that adds it", "you are no peer of the coordinator yet, and --read-only adds none")
		}
		return id, err
	}
	if err := a.ensureRoot(a.opt.Roots.Config, "config"); err != nil {
		return keyring.Identity{}, err
	}
	return a.identities.Use(link.status.ID, func() (keyring.Identity, error) {
		p, err := link.AddPeer(ctx, coordinator.AddPeer{Name: localName(), Grants: []authn.Grant{{Role: authn.RoleAdmin}}, Another: true})
		return keyring.Identity{Coordinator: link.status.ID, Peer: p.ID, Token: keyring.NewSecret(p.Token)}, err
	})
}

func localName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "local"
}
