package backend

import (
	"context"
	"os"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/embedded"
	"github.com/artifacts-tui/artifacts-tui/backend/systemd"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/reqlog"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// EnvCoordinator names a coordinator by context, URL or socket path (SPEC B21).
const EnvCoordinator = "ARTIFACTS_COORDINATOR"

// Options make an App.
type Options struct {
	Roots       xdg.Roots
	Getenv      func(string) string
	Exe         string       // of the program, for the processes it starts; empty: the running one
	Coordinator string       // context, URL or socket path; empty: EnvCoordinator, else the active context, else the local one, started where none runs
	ReadOnly    bool         // nothing is started, enrolled or remembered on the way to what is asked for
	Notify      func(string) // one line a person should see: a mended file mode, a folder made; may be nil
	Trace       reqlog.Log   // is told of each request, nothing secret; nil: of none
	// Offhand is for who only wants to know what is at hand: no coordinator is started, nobody is enrolled, and nothing
	// that might ask the user something is asked: no OS keyring, no command that prints a pair.
	Offhand bool
}

// App is what the program can do. Its methods may be called side by side, and
// return errors that fault.As understands.
type App struct {
	opt        Options
	mounts     *mounts.Manager
	cache      keyring.Cache
	profiles   keyring.Profiles
	contexts   keyring.Contexts
	identities keyring.Identities
	services   systemd.Manager
}

// New makes an App. It does no I/O.
func New(opt Options) *App {
	if opt.Getenv == nil {
		opt.Getenv = os.Getenv
	}
	if opt.Notify == nil {
		opt.Notify = func(string) {}
	}
	if opt.Coordinator == "" {
		opt.Coordinator = opt.Getenv(EnvCoordinator)
	}
	return &App{
		opt:      opt,
		mounts:   mounts.NewManager(opt.Roots, opt.Exe),
		cache:    keyring.NewCache(opt.Roots.Config, opt.Notify),
		profiles: keyring.Profiles{Dir: opt.Roots.Config, Warn: opt.Notify},
		contexts: keyring.NewContexts(opt.Roots.Config, opt.Notify), identities: keyring.NewIdentities(opt.Roots.Config, opt.Notify),
	}
}

func (a *App) exe() (string, error) {
	if a.opt.Exe != "" {
		return a.opt.Exe, nil
	}
	return os.Executable()
}

// ensureRoot makes a root on first use and says where it is (SPEC A8).
func (a *App) ensureRoot(dir, label string) error {
	if err := xdg.Ensure(dir, label, notifier(a.opt.Notify)); err != nil {
		return fault.Wrap(fault.Failure, err, "make the folder above it writable, or set another XDG root", "cannot make the %s root", label)
	}
	return nil
}

// ensureLocalRoots makes the roots that a coordinator or a mount keeps files under.
func (a *App) ensureLocalRoots() error {
	if err := a.ensureRoot(a.opt.Roots.State, "state"); err != nil {
		return err
	}
	return a.ensureRoot(a.opt.Roots.Cache, "cache")
}

// web is how requests travel from here.
func (a *App) web() mounts.Web {
	return mounts.Web{Proxy: webproxy.FromEnvironment(), Trace: a.opt.Trace}
}

// notifier hands each line written to it on.
type notifier func(string)

func (n notifier) Write(p []byte) (int, error) {
	n(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// Coordinator tells which coordinator answers; the embedded one is started where
// none runs.
func (a *App) Coordinator(ctx context.Context) (CoordinatorStatus, error) {
	link, err := a.connect(ctx)
	if err != nil {
		return CoordinatorStatus{}, err
	}
	defer link.Close()
	return describe(link), nil
}

// PeekCoordinator is Coordinator, but starts nothing: where none runs the status
// says so.
func (a *App) PeekCoordinator(ctx context.Context) (CoordinatorStatus, error) {
	t, err := a.target()
	if err != nil {
		return CoordinatorStatus{}, err
	}
	link, err := a.open(ctx, t)
	if fault.Is(err, fault.Unreachable) && t.embedded() {
		return CoordinatorStatus{Kind: "embedded", DataDir: embedded.DataDir(a.opt.Roots)}, nil
	}
	if err != nil {
		return CoordinatorStatus{}, err
	}
	defer link.Close()
	s := describe(link)
	if storage, err := link.Storage(ctx); err == nil { // who is no admin is told nothing
		s.Warnings = storage.Warnings
	}
	return s, nil
}

func describe(link coordinatorLink) CoordinatorStatus {
	s := CoordinatorStatus{
		Kind: link.status.Kind, URL: link.status.URL, PID: link.status.PID, Since: link.status.Since,
		DataDir: link.status.DataDir, Version: link.status.Version, Peer: link.id.Peer, Running: true,
		Socket: link.target.socket, Context: link.target.context.Name,
		Fingerprint: link.status.Fingerprint,
	}
	if link.target.url != "" {
		s.URL = link.target.url // by which it is reached from here
	}
	return s
}

// StopCoordinator ends the local coordinator and waits until it is gone.
func (a *App) StopCoordinator(ctx context.Context) error { return embedded.Stop(ctx, a.opt.Roots) }
