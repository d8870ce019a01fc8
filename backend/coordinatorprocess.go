package backend

import (
	"context"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// ReloadCoordinator has the local coordinator read its configuration again.
func (a *App) ReloadCoordinator(ctx context.Context) (coordinator.Reloaded, error) {
	admin, err := a.localAdmin()
	if err != nil {
		return coordinator.Reloaded{}, err
	}
	defer admin.Close()
	return admin.Reload(ctx)
}

// CoordinatorCertificate is what the local coordinator serves https with.
func (a *App) CoordinatorCertificate(ctx context.Context) (coordinator.Certificate, error) {
	admin, err := a.localAdmin()
	if err != nil {
		return coordinator.Certificate{}, err
	}
	defer admin.Close()
	return admin.Certificate(ctx)
}

// localAdmin speaks to a coordinator of this machine, as who may do everything. It starts none.
func (a *App) localAdmin() (*client.Client, error) {
	t, err := a.target()
	if err != nil {
		return nil, err
	}
	if t.socket == "" {
		return nil, fault.New(fault.Usage, "run it there, or give --coordinator the path of its socket", "only the machine that %s runs on may do that", t.url)
	}
	return client.Local(t.socket), nil
}
